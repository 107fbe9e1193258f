// Answers debug requests, in the control thread: it does not stand still when a cell is stopped.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#debug-request
import { writeSync } from "node:fs";
import type { Debugger } from "node:inspector";
import { Request } from "../message";
import type { Frames } from "../sending";
import { Breakpoints } from "./breakpoints";
import { pathParameters } from "./cell-path";
import { CAPABILITIES, type Commands, FILTERS, list, type Table, text } from "./commands";
import type { Move } from "./frames";
import { Inspection } from "./inspection";
import { Pauses } from "./pauses";
import type { DebugRequest, SourceBreakpoint } from "./protocol";
import { type Ask, Remote } from "./remote";

export class DebugAdapter {
	private readonly remote: Remote;
	private readonly breakpoints: Breakpoints;
	private readonly pauses: Pauses;
	private readonly inspection: Inspection;
	/** Requests wait here for each other. */
	private last = Promise.resolve();
	private latestRequest: Request | undefined;
	private adjusted = Promise.resolve();
	private seq = 0;

	/**
	 * @param key by which messages are signed
	 * @param ask asks the main thread by message, when no debugger is connected
	 * @param reply sends a reply
	 * @param interrupt interrupts the cell that runs
	 */
	constructor(
		private readonly key: string,
		ask: Ask,
		private readonly reply: (frames: Frames) => void,
		private readonly interrupt: () => void,
	) {
		this.remote = new Remote(ask);
		this.breakpoints = new Breakpoints(this.remote);
		this.pauses = new Pauses(this.remote, this.breakpoints, (event, body) => this.emit(event, body));
		this.inspection = new Inspection(this.remote, this.pauses);
	}

	/** Takes a debug request, and answers it after the earlier ones. */
	receive(frames: Buffer[]): void {
		this.last = this.last.then(() => this.answer(Request.parse(frames, this.key))).catch(report);
	}

	/** Sets breakpoints in the cell that is to run next, and lets it run. */
	begin(): void {
		const run = () => this.remote.call("run");
		this.prepare().catch(report).then(run).catch(report);
	}

	private async prepare(): Promise<void> {
		await this.pauses.begin();
		const { scripts, haveStatement } = await this.remote.call("fresh");
		this.pauses.hasStatement = haveStatement;
		await this.adjust();
		await this.breakpoints.setInNew(scripts);
	}

	/** Takes note that a cell has run. */
	end(): void {
		this.pauses.finish();
	}

	/** Lets a cell go on that is stopped, so that an interrupt reaches it. */
	async letGo(): Promise<void> {
		await this.pauses.letGo().catch(report);
	}

	/** Lets the main thread go, which would wait for the debugger at its end. */
	close(): void {
		this.remote.disconnect();
		this.breakpoints.clear();
		this.pauses.end();
	}

	private async answer(request: Request): Promise<void> {
		this.latestRequest = request;
		const { seq: request_seq, command, arguments: args = {} } = request.content as DebugRequest;
		// From here on the main thread is reached while it computes, too.
		if (command === "initialize") await this.connect();
		const status = (execution_state: string) => request.answer("status", { execution_state });
		await this.publish(status("busy"));
		const reply = { type: "response", seq: ++this.seq, request_seq, command };
		try {
			if (!Object.hasOwn(this.table, String(command))) {
				throw new Error(`${command} is no command: expected one of ${Object.keys(this.table).join(", ")}`);
			}
			// The command names the arguments, which TypeScript cannot follow.
			const body = await this.table[command as keyof Commands](args as never);
			this.reply(request.answer("debug_reply", { ...reply, success: true, body: body ?? {} }));
		} catch (error) {
			const { message } = error as Error;
			this.reply(request.answer("debug_reply", { ...reply, success: false, message, body: {} }));
		}
		// A front end takes the last status for the kernel's. Not one of the cell: after each of these JupyterLab asks for
		// the variables.
		await this.publish(status("idle"), status("busy"));
		if (command === "disconnect" || command === "terminate") this.close();
		if (command === "terminate") this.interrupt();
	}

	private readonly table: Table = {
		initialize: () => CAPABILITIES,
		attach: () => this.attach(),
		configurationDone: () => undefined,
		disconnect: () => this.detach(),
		terminate: () => this.terminate(),
		debugInfo: () => this.debugInfo(),
		dumpCell: async ({ code }) => ({ sourcePath: await this.remote.call("dump", text({ code })) }),
		source: ({ source }) => this.source(text({ path: source?.path })),
		modules: () => this.modules(),
		setBreakpoints: ({ source, breakpoints = [] }) =>
			this.setBreakpoints(text({ path: source?.path }), list({ breakpoints })),
		setExceptionBreakpoints: ({ filters }) => this.setExceptionBreakpoints(list({ filters })),
		threads: () => ({ threads: [{ id: 1, name: "main" }] }),
		stackTrace: (args) => this.stackTrace(args),
		scopes: ({ frameId }) => this.inspection.scopes(frameId),
		variables: (args) => this.variables(args),
		inspectVariables: async () => ({ variables: await this.remote.call("session") }),
		richInspectVariables: ({ variableName, frameId }) => this.inspection.rich(text({ variableName }), frameId),
		evaluate: ({ expression, frameId }) => this.inspection.evaluate(text({ expression }), frameId),
		copyToGlobals: async ({ srcVariableName, dstVariableName, srcFrameId }) =>
			void (await this.inspection.copyToGlobals(srcVariableName, dstVariableName, srcFrameId)),
		continue: () => this.move("resume", { allThreadsContinued: true }),
		next: () => this.move("stepOver"),
		stepIn: () => this.move("stepInto"),
		stepOut: () => this.move("stepOut"),
		pause: () => this.pause(),
	};

	private async connect(): Promise<void> {
		if (this.remote.isConnected) return;
		this.remote.connect((event) => void this.receivePause(event));
		const { haveStatement } = await this.remote.call("fresh");
		this.pauses.hasStatement = haveStatement;
		if (await this.remote.call("attach", true)) await this.pauses.begin();
		await this.adjust();
	}

	/** Lets V8 stop the main thread only while there is something to stop at: until then `await` is three times as fast. */
	private adjust(): Promise<void> {
		// One after another, since cells begin while requests are answered.
		const adjusted = this.adjusted.then(() => this.adjustNow());
		this.adjusted = adjusted.catch(() => {});
		return adjusted;
	}

	private async adjustNow(): Promise<void> {
		const isNeeded = this.breakpoints.list.length > 0 || this.pauses.mayStop;
		if (isNeeded === this.remote.isEnabled) return;
		await this.remote.enable(isNeeded);
		if (isNeeded) await this.pauses.configure();
		else this.breakpoints.forgetSet();
	}

	private async receivePause(event: Debugger.PausedEventDataType): Promise<void> {
		try {
			await this.pauses.receive(event);
		} catch (error) {
			report(error);
			await this.remote.post("Debugger.resume").catch(report);
		}
	}

	private attach(): undefined {
		this.started("attach");
		this.emit("initialized");
	}

	private async detach(): Promise<undefined> {
		if (!this.remote.isConnected) return;
		await this.pauses.leave();
		await this.remote.call("attach", false);
		this.emit("terminated");
	}

	private async terminate(): Promise<undefined> {
		await this.pauses.letGo();
		return this.detach();
	}

	private debugInfo(): object {
		return {
			isStarted: this.remote.isConnected,
			...pathParameters,
			breakpoints: this.breakpoints.list,
			stoppedThreads: this.pauses.stoppedThreads,
			richRendering: true,
			exceptionPaths: [],
			copyToGlobals: true,
		};
	}

	private async source(path: string): Promise<object> {
		const content = await this.remote.call("source", path);
		if (content === undefined) throw new Error(`${path}: neither a cell nor a module of the project; send modules`);
		return { content, mimeType: "text/typescript" };
	}

	private async modules(): Promise<object> {
		const modules = await this.remote.call("modules");
		return { modules: modules.map((module, id) => ({ id, ...module })), totalModules: modules.length };
	}

	private async setBreakpoints(path: string, breakpoints: SourceBreakpoint[]): Promise<object> {
		this.started("setBreakpoints");
		const requested = breakpoints.map(({ line, condition }) => ({ line, condition }));
		const replaced = await this.breakpoints.replace(path, requested);
		await this.adjust();
		if (this.remote.isEnabled) await this.breakpoints.setIn(path);
		return { breakpoints: replaced };
	}

	private async setExceptionBreakpoints(filters: string[]): Promise<undefined> {
		this.started("setExceptionBreakpoints");
		const unknown = filters.find((each) => !FILTERS.some(({ filter }) => filter === each));
		if (unknown !== undefined) throw new Error(`filter ${unknown}: expected "uncaught" or "all"`);
		this.pauses.stopAtExceptions(filters);
		await this.adjust();
		if (this.remote.isEnabled) await this.pauses.configure();
	}

	private stackTrace({ startFrame = 0, levels = 0 }: Commands["stackTrace"]): object {
		const frames = this.pauses.stack();
		const end = levels > 0 ? startFrame + levels : undefined;
		return { stackFrames: frames.slice(startFrame, end), totalFrames: frames.length };
	}

	private async variables({ variablesReference, ...page }: Commands["variables"]): Promise<object> {
		return { variables: await this.remote.call("unfold", variablesReference, page) };
	}

	private async pause(): Promise<undefined> {
		this.started("pause");
		this.pauses.pause();
		await this.adjust();
	}

	private async move(move: Move, body?: object): Promise<object | undefined> {
		await this.pauses.continue(move);
		return body;
	}

	/** @throws unless a debugger is started */
	private started(command: string): void {
		if (!this.remote.isConnected) throw new Error(`${command}: the debugger is not started; send initialize first`);
	}

	private emit(event: string, body: object = {}): void {
		if (!this.latestRequest) return;
		const content = { type: "event", event, seq: ++this.seq, body };
		this.publish(this.latestRequest.answer("debug_event", content)).catch(report);
	}

	/** The main thread publishes: it has the socket. */
	private publish(...messages: Frames[]): Promise<void> {
		const [frames, whileBusy] = messages.map((frames) => frames.map(String));
		return this.remote.call("publish", frames, whileBusy);
	}
}

function report(error: unknown): void {
	// By the end of the kernel.
	if ((error as Error).message === "Session was closed") return;
	writeSync(2, `debugger: ${error instanceof Error ? error.stack : error}\n`);
}
