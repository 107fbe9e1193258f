// A kernel that is debugged, by the messages that JupyterLab sends.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../helpers";
import { argv } from "./run-cells";

/** See debug-client.py. */
type Line = {
	pid?: number;
	ended?: number;
	iopub?: string;
	reply?: string;
	parent?: string;
	content: Record<string, unknown>;
};

/** What a reply or an event holds. */
// biome-ignore lint/suspicious/noExplicitAny: as many types as there are commands
export type Body = any;

/** Why and where a kernel is stopped. */
interface Stop {
	reason: string;
	/** What was thrown. */
	text?: string;
	/** `name file:line` of each function. */
	at: string[];
	frames: Body[];
}

/** Milliseconds to wait for a message; other test files run at the same time. */
const PATIENCE = Number(process.env.PATIENCE ?? 60_000);

export class DebugSession {
	/** Messages that nobody has waited for. */
	readonly unread: Line[] = [];
	private readonly waiting = new Set<() => void>();
	private readonly client: ChildProcess;
	pid = 0;

	private constructor(folder: string) {
		const python = join(root, ".venv", "bin", "python");
		this.client = spawn(python, [join(__dirname, "debug-client.py")], { stdio: ["pipe", "pipe", "inherit"] });
		createInterface({ input: this.client.stdout! }).on("line", (line) => {
			this.unread.push(JSON.parse(line) as Line);
			for (const look of this.waiting) look();
		});
		this.send({ argv: ["node", ...argv.ours, "{connection_file}"], cwd: join(folder, "notebooks") });
	}

	/** Starts a kernel in a folder's `notebooks`. */
	static async start(folder: string): Promise<DebugSession> {
		const session = new DebugSession(folder);
		const { pid = 0 } = await session.next("the kernel", ({ pid }) => pid !== undefined);
		session.pid = pid;
		return session;
	}

	/** Starts a kernel, and its debugger as JupyterLab does. */
	static async attached(folder: string): Promise<DebugSession> {
		const session = await DebugSession.start(folder);
		await session.request("initialize", { clientID: "jupyterlab" });
		await session.request("attach");
		await session.event("initialized");
		return session;
	}

	/** Sends a command and returns the whole reply. */
	async reply(command: string, args: object = {}): Promise<{ success: boolean; message?: string; body: Body }> {
		this.send({ debug: command, arguments: args });
		const isReply = ({ reply, content }: Line) => reply === "debug_reply" && content.command === command;
		return (await this.next(`the reply to ${command}`, isReply)).content as never;
	}

	/** Sends a command and returns the body of the reply, which must be a success. */
	async request(command: string, args: object = {}): Promise<Body> {
		const { success, message, body } = await this.reply(command, args);
		if (!success) throw new Error(`${command}: ${message}`);
		return body;
	}

	/** Returns the body of the next event of a kind. */
	async event(name: string): Promise<Body> {
		const isEvent = ({ iopub, content }: Line) => iopub === "debug_event" && content.event === name;
		return (await this.next(`the event ${name}`, isEvent)).content.body;
	}

	/** Starts a cell. */
	execute(code: string): void {
		this.send({ execute: code });
	}

	/** Waits for the end of a cell. */
	async executed(): Promise<{ status: string; ename?: string; evalue?: string }> {
		const { content } = await this.next("the end of the cell", ({ reply }) => reply === "execute_reply");
		// After its outputs.
		const isIdle = ({ iopub, parent, content }: Line) =>
			iopub === "status" && parent === "execute_request" && content.execution_state === "idle";
		await this.next("the cell's idle status", isIdle);
		return content as never;
	}

	/** Runs a cell to its end, and returns what its last expression is. */
	async run(code: string): Promise<string | undefined> {
		const isResult = ({ iopub }: Line) => iopub === "execute_result";
		for (let i = this.unread.findIndex(isResult); i >= 0; i = this.unread.findIndex(isResult)) this.unread.splice(i, 1);
		this.execute(code);
		const { status, evalue } = await this.executed();
		if (status !== "ok") throw new Error(`${code}: ${evalue}`);
		const result = this.unread.find(isResult);
		return (result?.content.data as Record<string, string> | undefined)?.["text/plain"];
	}

	/** Sets breakpoints in a cell that is to run, and returns them. */
	async setBreakpoints(code: string, ...breakpoints: object[]): Promise<Body[]> {
		const { sourcePath: path } = await this.request("dumpCell", { code });
		return (await this.request("setBreakpoints", { source: { path }, breakpoints })).breakpoints;
	}

	/** Waits for a stop, and returns where it is. */
	async stop(): Promise<Stop> {
		const stop = await this.stopOrEnd();
		if (!stop) throw new Error("the cell ended and did not stop");
		return stop;
	}

	/** Waits for a stop, or for the end of the cell, where it returns undefined. */
	async stopOrEnd(): Promise<Stop | undefined> {
		const { content } = await this.next(
			"a stop, or the end of the cell",
			({ iopub, reply, content }) =>
				reply === "execute_reply" || (iopub === "debug_event" && content.event === "stopped"),
		);
		if (content.event !== "stopped") return undefined;
		const { reason, text } = content.body as Body;
		const { stackFrames: frames } = await this.request("stackTrace", { threadId: 1 });
		const at = frames.map(({ name, source, line }: Body) => `${name} ${source.name}:${line}`);
		return { reason, text, at, frames };
	}

	/** Goes on, and returns where it stops next. */
	async step(command: "next" | "stepIn" | "stepOut" | "continue"): Promise<string[]> {
		await this.request(command, { threadId: 1 });
		return (await this.stop()).at;
	}

	/** The variables of a scope of the innermost function, as `name: value`. */
	async scope(name: string): Promise<string[]> {
		const { stackFrames } = await this.request("stackTrace", { threadId: 1 });
		const { scopes } = await this.request("scopes", { frameId: stackFrames[0].id });
		const scope = scopes.find((each: Body) => each.name === name);
		if (!scope) return [];
		const { variables } = await this.request("variables", { variablesReference: scope.variablesReference });
		return variables.map((variable: Body) => `${variable.name}: ${variable.value}`);
	}

	/** Waits until the kernel's process has ended. */
	async ended(): Promise<void> {
		await this.next("the end of the kernel", ({ ended }) => ended !== undefined);
	}

	send(line: object): void {
		this.client.stdin!.write(`${JSON.stringify(line)}\n`);
	}

	/** Ends the kernel. */
	end(): void {
		this.client.stdin!.end();
	}

	/** Takes the next message for which `is` holds. */
	async next(what: string, is: (line: Line) => boolean): Promise<Line> {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.waiting.delete(look);
				reject(new Error(`${what} did not come; unread: ${JSON.stringify(this.unread.slice(-20))}`));
			}, PATIENCE);
			const look = () => {
				const index = this.unread.findIndex(is);
				if (index < 0) return;
				this.waiting.delete(look);
				clearTimeout(timer);
				resolve(this.unread.splice(index, 1)[0]);
			};
			this.waiting.add(look);
			look();
		});
	}
}
