// JupyterLab, opened where images are reviewed: `npm run review`.
import { main as lab } from "./lab";

/** Starts JupyterLab on the chapter with the queue of doubtful images; all arguments are passed to it. */
export const main = (args: string[]): Promise<void> => lab(args, "09-improving-the-data");
