// Breakpoints by line of TypeScript, set in the scripts that are made of it.
import type { Debugger } from "node:inspector";
import type { Breakpoint, SourceBreakpoint } from "./protocol";
import { escaped, type Remote, urlOf } from "./remote";
import type { Position, ScriptPosition } from "./sources";

interface Wanted extends Breakpoint {
	/** Where it can stand. */
	position?: Position;
	condition?: string;
	/** The condition as V8 evaluates it. */
	compiled?: string;
}

export class Breakpoints {
	private readonly wanted = new Map<string, Wanted[]>();
	/** Ids of V8, by script. */
	private readonly set = new Map<string, string[]>();
	/** Our ids, by V8's. */
	private readonly ids = new Map<string, number>();
	private latest = 0;

	constructor(private readonly remote: Remote) {}

	/** The breakpoints of each path, as the reply to `debugInfo` has them. */
	get list(): { source: string; breakpoints: Breakpoint[] }[] {
		return [...this.wanted].map(([source, breakpoints]) => ({ source, breakpoints: breakpoints.map(toReply) }));
	}

	/** Replaces the breakpoints that are wanted at a path. Those that have an id keep it. */
	async replace(path: string, requested: (SourceBreakpoint & { id?: number })[]): Promise<Breakpoint[]> {
		const lines = requested.map(({ line }) => line);
		const positions = await this.remote.call("breakable", path, lines);
		const wanted = requested.map((breakpoint, i) => {
			const message = positions
				? `no code at line ${breakpoint.line} or after it`
				: `${path} is neither a cell nor code`;
			return this.verify(path, breakpoint, positions?.[i] ?? undefined, message);
		});
		const breakpoints = await Promise.all(wanted);
		if (breakpoints.length > 0) this.wanted.set(path, breakpoints);
		else this.wanted.delete(path);
		return breakpoints.map(toReply);
	}

	/**
	 * Sets the breakpoints of a path in the scripts that are made of it, instead of those that are set there.
	 *
	 * @param among names of the scripts to look at. Default: all
	 */
	async setIn(path: string, among?: string[]): Promise<void> {
		const verified = (this.wanted.get(path) ?? []).filter(({ verified }) => verified);
		const positions = verified.map(({ position }) => position as Position);
		for (const { script, places } of await this.remote.call("toScripts", path, positions, among)) {
			for (const breakpointId of this.set.get(script) ?? []) {
				await this.remote.post("Debugger.removeBreakpoint", { breakpointId });
			}
			const ids = await Promise.all(verified.map((breakpoint, i) => this.setAt(script, places[i], breakpoint)));
			this.set.set(script, ids.flat());
		}
	}

	/** Sets the breakpoints in scripts that are new. */
	async setInNew(scripts: string[]): Promise<void> {
		for (const [path, breakpoints] of this.wanted) {
			// A module that was edited has its statements elsewhere.
			if (scripts.includes(path.replace(/\.ts$/, ".js"))) await this.replace(path, breakpoints);
			await this.setIn(path, scripts);
		}
	}

	/** Forgets what is set, as V8 has. */
	forgetSet(): void {
		this.set.clear();
		this.ids.clear();
	}

	clear(): void {
		this.wanted.clear();
		this.forgetSet();
	}

	/** Our ids of breakpoints that were hit. */
	idsOf(hit: string[]): number[] {
		return hit.flatMap((id) => this.ids.get(id) ?? []);
	}

	private async verify(
		path: string,
		{ line, condition, id = ++this.latest }: SourceBreakpoint & { id?: number },
		position: Position | undefined,
		message: string,
	): Promise<Wanted> {
		const breakpoint = { id, verified: false, line, source: { path }, condition };
		if (!position) return { ...breakpoint, message };
		const moved = { ...breakpoint, line: position.line };
		try {
			const compiled = condition && (await this.remote.call("compile", condition, path));
			return { ...moved, verified: true, position, compiled };
		} catch (error) {
			return { ...moved, message: `condition ${condition}: ${(error as Error).message}` };
		}
	}

	private async setAt(script: string, place: ScriptPosition | null, { id, compiled }: Wanted): Promise<string[]> {
		if (!place) return [];
		// By `url`, V8 would look for the line's text nearby when a module is compiled again.
		const urlRegex = `^${escaped(urlOf(script))}$`;
		try {
			const { breakpointId } = await this.remote.post<Debugger.SetBreakpointByUrlReturnType>(
				"Debugger.setBreakpointByUrl",
				{ urlRegex, ...place, condition: compiled },
			);
			this.ids.set(breakpointId, id);
			return [breakpointId];
		} catch {
			// Two lines without code were moved to the same one.
			return [];
		}
	}
}

function toReply({ id, verified, line, source, message, condition }: Wanted): Breakpoint {
	return { id, verified, line, source, message, ...(condition ? { condition } : {}) };
}
