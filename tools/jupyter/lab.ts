// JupyterLab with the TypeScript kernel, opened on the notebooks: `npm run lab`.
import { fillDataset } from "../data/fill";
import { at, python, pythonEnvironment, root, shown } from "../setup/paths.mjs";
import { runInTerminal } from "../setup/processes.mjs";
import { copyForStudents, describeCopies } from "./student";

/**
 * Starts JupyterLab; all arguments but `--student` are passed to it.
 *
 * @param notebook the name of the notebook that it opens. Default: the first
 */
export async function main(args: string[], notebook = "01-data-cleaning"): Promise<void> {
	const { folder, rest } = openedFolder(args);
	if (folder === "student") {
		console.log(describeCopies(copyForStudents(at("notebooks"), at(folder)), shown(at(folder))));
	}
	await fillDataset(at("dataset"));
	const settings = [
		...rootSettings(rest),
		`--ServerApp.root_dir=${root}`,
		`--LabApp.default_url=/lab/tree/${folder}/${notebook}.ipynb`,
		"--MultiKernelManager.default_kernel_name=tslab",
		// Beyond 1 MB/s, the default, it drops what cells print.
		"--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=10000000",
	].filter((setting) => !rest.some((arg) => arg.startsWith(setting.split("=")[0])));
	// With this folder on the path, "Save and Export As → HTML" gives the same page as `npm run report`.
	const configPath = [at("tools", "jupyter"), process.env.JUPYTER_CONFIG_PATH].filter(Boolean).join(":");
	process.exitCode = await runInTerminal(python, ["-m", "jupyter", "lab", ...settings, ...rest], {
		env: { ...pythonEnvironment, JUPYTER_CONFIG_PATH: configPath },
	});
}

/** Returns the folder that JupyterLab opens, and the arguments that are its own. */
export function openedFolder(args: string[]): { folder: "notebooks" | "student"; rest: string[] } {
	const rest = args.filter((arg) => arg !== "--student");
	return { folder: rest.length < args.length ? "student" : "notebooks", rest };
}

/** What the superuser needs, as whom containers run: JupyterLab refuses to start without it. */
function rootSettings(args: string[]): string[] {
	if (process.getuid?.() !== 0) return [];
	if (!args.includes("--allow-root")) console.log("You are root: JupyterLab gets --allow-root.");
	return ["--allow-root"];
}
