// Stops of the main thread: which of them the user sees, and how it goes on.
import type { Debugger, Runtime } from "node:inspector";
import type { Breakpoints } from "./breakpoints";
import { Exceptions } from "./exceptions";
import type { Emit, StackFrame } from "./protocol";
import { escaped, type Remote, urlOf } from "./remote";
import { isPlace, type Located, type Place } from "./sources";

/** How to go on, as a command of V8. */
export type Move = "resume" | "stepOver" | "stepInto" | "stepOut";

/** A function that is stopped, in a cell or in a module of the project. */
export interface Frame {
	call: Debugger.CallFrame;
	place: Place;
}

/** A step that has not come to another line yet. */
interface Step {
	move: Move;
	/** Of the line that it left: its function, and the places in it where the step has been. */
	left: string;
	visited: Set<string>;
}

/** JupyterLab shows one thread. */
const THREAD = 1;

/** A place in JavaScript, of which a line of TypeScript can have several. */
const placeOf = ({ call: { location } }: Frame) => `${location.lineNumber}:${location.columnNumber}`;

/** A line of a function. */
const lineOf = ({ call, place }: Frame) => {
	const { lineNumber, columnNumber } = call.functionLocation ?? call.location;
	return `${call.location.scriptId}:${lineNumber}:${columnNumber} ${place.line}`;
};

export class Pauses {
	private readonly exceptions: Exceptions;
	private frames: Frame[] | undefined;
	private readonly byId = new Map<number, Frame>();
	private latestId = 0;
	private step: Step | undefined;
	private wantsPause = false;
	private filters: string[] = [];
	/** Whether a cell or module has the statement `debugger`. */
	hasStatement = false;

	constructor(
		private readonly remote: Remote,
		private readonly breakpoints: Breakpoints,
		private readonly emit: Emit,
	) {
		this.exceptions = new Exceptions(remote);
	}

	get stoppedThreads(): number[] {
		return this.frames ? [THREAD] : [];
	}

	/** Whether something other than a breakpoint can stop the main thread, or has. */
	get mayStop(): boolean {
		const { frames, step, wantsPause, filters, hasStatement } = this;
		return frames !== undefined || step !== undefined || wantsPause || filters.length > 0 || hasStatement;
	}

	/** Decides what to do about a stop. */
	async receive(event: Debugger.PausedEventDataType): Promise<void> {
		const places = await this.remote.call(
			"toSources",
			event.callFrames.map(({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }) => ({
				script: this.remote.scriptName(scriptId),
				position: { lineNumber, columnNumber },
				functionName,
			})),
		);
		const frames = event.callFrames.flatMap((call, i) => {
			const place = places[i];
			return isPlace(place) ? [{ call, place }] : [];
		});
		const reason = await this.reasonToStop(event, places, frames);
		if (reason) return this.stop(reason, event, frames);
		await this.move(this.moveOn(places[0], frames));
	}

	/** Goes on from a stop. */
	async continue(move: Move): Promise<void> {
		const [top] = this.stopped();
		this.step = move === "resume" ? undefined : { move, left: lineOf(top), visited: new Set([placeOf(top)]) };
		await this.leave();
		await this.move(move);
	}

	/** Stops at the next line of a cell or module. */
	pause(): void {
		if (this.frames) throw new Error("pause: the kernel is stopped already; send continue, next, stepIn or stepOut");
		this.wantsPause = true;
	}

	/** Asks V8 for the stop that is wanted, as the last thing of a request: it forgets it when it is asked for another. */
	async arm(): Promise<void> {
		if (this.wantsPause && !this.remote.isPaused) await this.remote.post("Debugger.pause");
	}

	/** Goes on without further stops, so that an interrupt ends the cell. */
	async letGo(): Promise<void> {
		if (!this.frames) return;
		this.step = undefined;
		await this.remote.skipPauses(true);
		await this.leave();
		await this.move("resume");
	}

	/** Called before a cell runs. */
	async begin(): Promise<void> {
		// A step out of the cell before.
		this.step = undefined;
		await this.remote.skipPauses(false);
	}

	/** @param filters "all": where one comes to a cell or module; "uncaught": where none of these catches it */
	stopAtExceptions(filters: string[]): void {
		this.filters = filters;
	}

	/** Tells V8 where to stop, besides breakpoints. */
	async configure(): Promise<void> {
		const { filters, remote } = this;
		await remote.post("Debugger.setPauseOnExceptions", { state: filters.length > 0 ? "all" : "none" });
		await remote.post("Debugger.setAsyncCallStackDepth", { maxDepth: filters.includes("uncaught") ? 32 : 0 });
		// Steps do not go into these. V8 does not stop at exceptions of theirs, which a cell may be the one to catch.
		const kernel = escaped(urlOf(__dirname));
		const patterns = filters.length > 0 ? [kernel] : [kernel, "/node_modules/"];
		await remote.post("Debugger.setBlackboxPatterns", { patterns });
	}

	/** The frames of the stop, with new ids: JupyterLab shows variables again only for a frame that it does not know. */
	stack(): StackFrame[] {
		return this.stopped().map((frame) => {
			const id = ++this.latestId;
			this.byId.set(id, frame);
			const { line, column, path, name: file } = frame.place;
			const { functionName, functionLocation } = frame.call;
			const name = functionName || (functionLocation?.lineNumber === 0 ? file : "(anonymous)");
			return { id, name, source: { name: file, path }, line, column };
		});
	}

	/** @throws for the id of no frame of the stop */
	frame(id: unknown): Frame {
		const frame = this.byId.get(Number(id));
		if (!frame) throw new Error(`frameId ${id} is no frame of this stop: send stackTrace`);
		return frame;
	}

	/** Forgets everything. */
	end(): void {
		this.frames = undefined;
		this.step = undefined;
		this.wantsPause = false;
		this.filters = [];
		this.hasStatement = false;
		this.byId.clear();
	}

	/** Why the user is to see a stop; undefined if not. */
	private async reasonToStop(
		event: Debugger.PausedEventDataType,
		places: Located[],
		frames: Frame[],
	): Promise<string | undefined> {
		const [top] = places;
		if (event.reason === "exception" || event.reason === "promiseRejection") {
			return (await this.wantsException(event, places)) ? "exception" : undefined;
		}
		if (!isPlace(top)) return undefined;
		if ((event.hitBreakpoints ?? []).length > 0) return "breakpoint";
		if (this.wantsPause) return "pause";
		if (this.step) return this.isNewLine(this.step, frames[0]) ? "step" : undefined;
		return /\bdebugger\b/.test(top.text) ? "breakpoint" : undefined;
	}

	/** Whether a step has come to another line, or to one place again, as in a loop of one line. */
	private isNewLine({ left, visited }: Step, frame: Frame): boolean {
		const place = placeOf(frame);
		if (left !== lineOf(frame) || visited.has(place)) return true;
		visited.add(place);
		return false;
	}

	private async wantsException(
		{ callFrames, asyncStackTrace }: Debugger.PausedEventDataType,
		places: Located[],
	): Promise<boolean> {
		const first = places.findIndex(isPlace);
		if (first < 0 || this.filters.length === 0) return false;
		// Up to the first, only those of Node and packages can have caught it.
		if (this.filters.includes("all")) return !(await this.exceptions.isCaught(callFrames.slice(0, first)));
		const users = callFrames.slice(0, places.findLastIndex(isPlace) + 1);
		return !(await this.exceptions.isCaught(users, asyncStackTrace));
	}

	/** How to go on from a stop that the user does not see. */
	private moveOn(top: Located, frames: Frame[]): Move {
		if (!this.step && !this.wantsPause) return "resume";
		if (top !== null) return this.step?.move ?? "stepOver";
		if (frames.length > 0 || this.wantsPause) return "stepOut";
		// The cell is at its end.
		this.step = undefined;
		return "resume";
	}

	private async stop(reason: string, event: Debugger.PausedEventDataType, frames: Frame[]): Promise<void> {
		this.step = undefined;
		this.wantsPause = false;
		this.frames = frames;
		const { description, value } = (event.data ?? {}) as Runtime.RemoteObject;
		const text = reason === "exception" ? String(description ?? value).split("\n    at ")[0] : undefined;
		const hitBreakpointIds = this.breakpoints.idsOf(event.hitBreakpoints ?? []);
		this.emit("stopped", { reason, text, hitBreakpointIds, threadId: THREAD, allThreadsStopped: true });
	}

	/** Says that the kernel is no longer stopped. */
	async leave(): Promise<void> {
		if (!this.frames) return;
		this.frames = undefined;
		this.byId.clear();
		await this.remote.call("leave");
		this.emit("continued", { threadId: THREAD, allThreadsContinued: true });
	}

	private async move(move: Move): Promise<void> {
		await this.remote.post(`Debugger.${move}`);
	}

	private stopped(): Frame[] {
		if (!this.frames) throw new Error("the kernel is not stopped: send pause, or run a cell with a breakpoint");
		return this.frames;
	}
}
