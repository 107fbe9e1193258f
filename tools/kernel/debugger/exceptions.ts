// Whether a cell catches an exception. V8 cannot say: to it, the kernel catches them all.
import type { Debugger, Runtime } from "node:inspector";
import type { Remote } from "./remote";
import type { Region } from "./syntax";

interface Script {
	regions: Region[];
	/** Offsets of the lines. */
	lines: number[];
}

/** Through which an exception comes from the function that threw it to one that waits. */
const AWAITING = ["await", "async function", "Promise.then"];

export class Exceptions {
	private readonly scripts = new Map<string, Script>();

	constructor(private readonly remote: Remote) {}

	/**
	 * Follows an exception from function to function, and by `await` to those that wait for them.
	 *
	 * @param frames those of the stack, the inner ones first, without the kernel's
	 * @param waiting who waits for the outermost of them. Default: nobody
	 * @returns whether a `catch` is in its way. One by `promise.catch()` is not seen
	 */
	async isCaught(frames: Debugger.CallFrame[], waiting?: Runtime.StackTrace): Promise<boolean> {
		for (const { location } of frames) {
			const kind = await this.kindAt(location.scriptId, location.lineNumber, location.columnNumber ?? 0);
			if (kind === "try") return true;
			if (kind === "async function") break;
		}
		for (let trace = waiting; trace && AWAITING.includes(trace.description ?? ""); trace = trace.parent) {
			for (const { scriptId, lineNumber, columnNumber } of trace.callFrames) {
				// The kernel waits for every cell.
				if (this.remote.scriptName(scriptId).startsWith(__dirname)) continue;
				if ((await this.kindAt(scriptId, lineNumber, columnNumber)) === "try") return true;
			}
		}
		return false;
	}

	/** The innermost region around a place. */
	private async kindAt(scriptId: string, line: number, column: number): Promise<Region[2] | undefined> {
		const { regions, lines } = await this.read(scriptId);
		const offset = (lines[line] ?? 0) + column;
		return regions.findLast(([start, end]) => start <= offset && offset < end)?.[2];
	}

	private async read(scriptId: string): Promise<Script> {
		const known = this.scripts.get(scriptId);
		if (known) return known;
		const { scriptSource } = await this.remote.post<Debugger.GetScriptSourceReturnType>("Debugger.getScriptSource", {
			scriptId,
		});
		const lines = [0];
		for (const { index } of scriptSource.matchAll(/\n/g)) lines.push(index + 1);
		const script = { regions: await this.remote.call("catchRegions", scriptSource), lines };
		this.scripts.set(scriptId, script);
		return script;
	}
}
