// The connection to the main thread: V8's inspector, which answers also while a cell runs or is stopped, and without a
// debugger the thread's messages.
import { type Debugger, type Runtime, Session } from "node:inspector";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Answer, BUSY, TARGET } from "./protocol";
import type { Target } from "./target";

/** The methods of the main thread's side. */
export type Method = {
	[Name in keyof Target]: Target[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Target];

/** Asks the main thread by message. */
export type Ask = (method: Method, args: unknown[]) => Promise<string>;

/** A value of the main thread, in the place of an argument. */
export class Reference {
	constructor(readonly object: Runtime.RemoteObject) {}
}

/** Arguments of which each can be a value of the main thread. */
type Arguments<T extends unknown[]> = { [I in keyof T]: T[I] | Reference };

/** Milliseconds until a main thread is asked again that was busy. */
const AGAIN = 20;

/** Methods that may return a promise. Not from a main thread that is stopped, where V8 would wait for any result for ever. */
const WAITING: Method[] = ["rich"];

export class Remote {
	private session: Session | undefined;
	private skips = false;
	/** Names by the ids of V8. */
	private readonly scripts = new Map<string, string>();
	/** Whether V8 can stop the main thread. */
	isEnabled = false;
	/** Whether the main thread stands still. */
	isPaused = false;
	/** Whether that is where the user sees it, and not on the way there. */
	isShown = false;
	/** Gives up a promise that is waited for. */
	private giveUp = () => {};

	constructor(private readonly ask: Ask) {}

	get isConnected(): boolean {
		return this.session !== undefined;
	}

	/** Whether V8 can be told to stop the main thread. */
	get canPause(): boolean {
		return this.isEnabled && !this.isPaused;
	}

	/** @param onPaused called when the main thread stops */
	connect(onPaused: (event: Debugger.PausedEventDataType) => void): void {
		const session = new Session();
		session.connectToMainThread();
		this.session = session;
		session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => {
			if (url) this.scripts.set(scriptId, url.startsWith("file:") ? fileURLToPath(url) : url);
		});
		session.on("Debugger.paused", ({ params }) => {
			this.isPaused = true;
			this.giveUp();
			onPaused(params);
		});
		session.on("Debugger.resumed", () => this.resumes());
	}

	/** Disconnects, which lets the main thread go on. */
	disconnect(): void {
		this.session?.disconnect();
		this.session = undefined;
		this.forget();
	}

	/** Lets V8 stop the main thread, or no longer: then it forgets what it was to stop at. */
	async enable(isEnabled: boolean): Promise<void> {
		this.forget();
		await this.post(isEnabled ? "Debugger.enable" : "Debugger.disable");
		this.isEnabled = isEnabled;
	}

	/** Takes note that the main thread goes on, or is about to. */
	resumes(): void {
		this.isPaused = false;
		this.isShown = false;
	}

	private forget(): void {
		this.isEnabled = false;
		this.resumes();
		this.skips = false;
		this.scripts.clear();
	}

	/** The name of a script: `cell [1]`, or a path. */
	scriptName(id: string): string {
		return this.scripts.get(id) ?? "";
	}

	/** Sends a command of Chrome's protocol. https://chromedevtools.github.io/devtools-protocol/v8/ */
	post<Result = unknown>(command: string, params: object = {}): Promise<Result> {
		return new Promise((resolve, reject) => {
			if (!this.session) return reject(new Error(`${command}: the debugger is not started; send initialize first`));
			this.session.post(command, params, (error, result) =>
				error ? reject(new Error(error.message)) : resolve(result as Result),
			);
		});
	}

	/** Lets no breakpoint stop the main thread, or lets them again. */
	async skipPauses(skip: boolean): Promise<void> {
		if (this.skips === skip) return;
		this.skips = skip;
		await this.post("Debugger.setSkipAllPauses", { skip });
	}

	/**
	 * Calls a method of the main thread's side.
	 *
	 * @throws what it throws
	 */
	async call<M extends Method>(
		method: M,
		...args: Arguments<Parameters<Target[M]>>
	): Promise<Awaited<ReturnType<Target[M]>>> {
		for (;;) {
			const text = await (this.session ? this.askInspector(method, args) : this.ask(method, args));
			const { result, error } = JSON.parse(text) as Answer;
			if (error === undefined) return result as Awaited<ReturnType<Target[M]>>;
			if (error !== BUSY) throw new Error(error);
			await setTimeout(AGAIN);
		}
	}

	private async askInspector(method: Method, args: unknown[]): Promise<string> {
		const isWaiting = WAITING.includes(method);
		const options = { returnByValue: true, silent: true, awaitPromise: isWaiting };
		const command = { ...options, ...commandOf([!this.isShown, method, ...args]) };
		const name = "expression" in command ? "Runtime.evaluate" : "Runtime.callFunctionOn";
		const answer = this.post<Runtime.EvaluateReturnType>(name, command);
		const { result, exceptionDetails } = await (isWaiting ? this.unlessStopped(answer) : answer);
		if (exceptionDetails) throw new Error(messageOf(exceptionDetails));
		return result.value as string;
	}

	private unlessStopped<T>(answer: Promise<T>): Promise<T> {
		const stop = new Promise<never>((_, reject) => {
			this.giveUp = () => reject(new Error("the kernel was stopped before the answer: ask again"));
		});
		return Promise.race([answer, stop]).finally(() => {
			this.giveUp = () => {};
		});
	}
}

/** Calls a method in the main thread. */
const CALL = `((...args) => globalThis[Symbol.for("${TARGET}")].answer(...args))`;

/** Parameters of the command by which V8 calls a method. */
function commandOf(args: unknown[]): object {
	if (args.some((each) => each instanceof Reference)) {
		return { functionDeclaration: CALL, executionContextId: 1, arguments: args.map(toArgument) };
	}
	const texts = args.map((each) => JSON.stringify(each) ?? "undefined");
	// Stopped in the middle of an answer, the main thread would give no others. A step goes on after it.
	return { expression: `${CALL}(${texts.join(", ")})`, disableBreaks: true };
}

function toArgument(value: unknown): Runtime.CallArgument {
	if (!(value instanceof Reference)) return { value };
	const { objectId, unserializableValue, value: primitive } = value.object;
	if (objectId) return { objectId };
	return unserializableValue ? { unserializableValue } : { value: primitive };
}

/** What was thrown: message and class, without the stack. */
export function messageOf({ exception, text }: Runtime.ExceptionDetails): string {
	if (!exception) return text;
	const { description, value } = exception;
	const [message] = (description ?? `Uncaught ${JSON.stringify(value)}`).split("\n    at ");
	return message.replace(/^Error: /, "");
}

/** The URL that V8 has of a script. */
export const urlOf = (script: string) => (script.startsWith("/") ? pathToFileURL(script).href : script);

/** A text as a part of a regular expression. */
export const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
