// When the debugger may ask. V8 lets it ask in the middle of any code, but what that code shares with the answer may be half
// done: of two buffers that Node makes at the same time, one has the other's bytes.
import { BUSY } from "./protocol";
import type { Method } from "./remote";

/** Methods that only read what nothing else changes: by these it is decided whether a stop is shown. */
const READING: Method[] = ["toSources", "catchRegions"];
/** Methods that run code of the user's, or of packages. */
const RUNNING_USERS_CODE: Method[] = ["session", "unfold", "evaluate", "rich"];

/** Node, the kernel, and what sends its messages. */
const isPrivate = (file: string) =>
	file.startsWith("node:") || file === __filename || file.includes("/node_modules/zeromq/");

/** Functions to look at: what matters is not far below. */
const DEPTH = 50;

/** The files of the functions on the stack, the inner ones first, without the debugger's own. */
export function callers(): string[] {
	const { prepareStackTrace, stackTraceLimit } = Error;
	Error.stackTraceLimit = DEPTH;
	Error.prepareStackTrace = (_, frames) => frames.map((frame) => frame.getFileName() ?? frame.getEvalOrigin() ?? "");
	try {
		const files = (new Error() as { stack: unknown }).stack as string[];
		return files.slice(files.indexOf("") + 1);
	} finally {
		Object.assign(Error, { prepareStackTrace, stackTraceLimit });
	}
}

/**
 * Checks that nothing that a method needs is half done where V8 lets the debugger ask for it.
 *
 * @throws BUSY otherwise: the debugger asks again
 */
export function checkInterruption(method: Method): void {
	if (READING.includes(method)) return;
	const interrupted = callers().find((file) => file !== "");
	if (interrupted === undefined) return;
	const isInPackage = interrupted.includes("/node_modules/");
	if (isPrivate(interrupted) || (isInPackage && RUNNING_USERS_CODE.includes(method))) throw new Error(BUSY);
}
