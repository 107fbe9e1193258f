// Stops of the main thread: which of them the user sees, and how it goes on.
import type { Debugger, Runtime } from "node:inspector";
import { setTimeout } from "node:timers/promises";
import type { Breakpoints } from "./breakpoints";
import { Exceptions } from "./exceptions";
import { type Frame, isNewLine, type Move, type Step, stepFrom, toStackFrame } from "./frames";
import type { Emit, StackFrame } from "./protocol";
import { escaped, type Remote, urlOf } from "./remote";
import { isPlace, type Located } from "./sources";

/** Milliseconds until V8 is asked again to stop. */
const AGAIN = 100;
/** JupyterLab shows one thread. */
const THREAD = 1;

export class Pauses {
	private readonly exceptions: Exceptions;
	private frames: Frame[] | undefined;
	private readonly byId = new Map<number, Frame>();
	private latestId = 0;
	private step: Step | undefined;
	private wantsPause = false;
	/** Whether a cell runs. */
	private isRunning = false;
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
		if (reason) this.stop(reason, event, frames);
		else await this.move(this.moveOn(places[0], frames));
	}

	/** Goes on from a stop. */
	async continue(move: Move): Promise<void> {
		const [top] = this.stopped();
		this.step = move === "resume" ? undefined : stepFrom(top, move);
		await this.leave();
		await this.move(move);
	}

	/** Stops at the next line of a cell or module. */
	pause(): void {
		if (this.frames) throw new Error("pause: the kernel is stopped already; send continue, next, stepIn or stepOut");
		if (this.wantsPause) return;
		this.wantsPause = true;
		void this.seek();
	}

	/**
	 * Asks V8 again and again: it does not stop in a package that no cell or module is below of on the stack. Not while
	 * the compiler works, which would take a hundred times as long.
	 */
	private async seek(): Promise<void> {
		while (this.wantsPause) {
			// The debugger may just be switched off.
			if (this.isRunning && this.remote.canPause) await this.remote.post("Debugger.pause").catch(() => {});
			await setTimeout(AGAIN);
		}
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
		this.isRunning = true;
		await this.remote.skipPauses(false);
	}

	/** Called when a cell has run: a step out of it does not go into the next one. */
	finish(): void {
		this.isRunning = false;
		this.step = undefined;
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
			return toStackFrame(frame, id);
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
		this.isRunning = false;
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
		if (this.step) return isNewLine(this.step, frames[0]) ? "step" : undefined;
		return /\bdebugger\b/.test(top.text) ? "breakpoint" : undefined;
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
		if (!this.isRunning || (!this.step && !this.wantsPause)) return "resume";
		if (top !== null) return this.step?.move ?? "stepOver";
		if (frames.length > 0 || this.wantsPause) return "stepOut";
		// The cell is at its end.
		this.step = undefined;
		return "resume";
	}

	private stop(reason: string, event: Debugger.PausedEventDataType, frames: Frame[]): void {
		this.step = undefined;
		this.wantsPause = false;
		this.frames = frames;
		this.remote.isShown = true;
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
		this.remote.resumes();
		await this.remote.post(`Debugger.${move}`);
	}

	private stopped(): Frame[] {
		if (!this.frames) throw new Error("the kernel is not stopped: send pause, or run a cell with a breakpoint");
		return this.frames;
	}
}
