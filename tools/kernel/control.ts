// The control channel. It has its own thread, which receives the interrupt button while a cell's loop blocks the main one.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { TARGET } from "./debugger/protocol";
import type { Method } from "./debugger/remote";
import type { Debuggee, Target } from "./debugger/target";
import type { InterruptState } from "./execution";
import type { Frames } from "./sending";

/** What the thread starts with. */
export interface ControlThreadData extends InterruptState {
	address: string;
	/** By which messages are signed. */
	key: string;
	/** Number of messages that the main thread has received, by which the thread sees that it is not blocked. */
	received: Int32Array;
}

/** What the thread asks of the main thread's side of the debugger. */
export interface Question {
	method: Method;
	args: unknown[];
}

/** What the main thread sends: a reply, an answer to a question, that a cell begins or has ended, or the end. */
export type ToControlThread = Frames | { answer: string } | "begin" | "end" | "close";
/** What the thread sends: that it listens, a message, or a question. */
export type FromControlThread = "bound" | Uint8Array[] | Question;

/**
 * Binds the control channel at `address`.
 *
 * @param interrupts set by an interrupt, which also sends this process a SIGINT: Node ends a cell without an `await` by it
 * @param targetOf makes the main thread's side of the debugger; `announce` tells the other side of a cell
 * @param onMessage receives the messages, interrupts included, without those to the debugger
 * @returns closes the channel
 */
export function bindControl(
	address: string,
	key: string,
	interrupts: InterruptState,
	targetOf: (announce: Debuggee["announce"]) => Target,
	onMessage: (frames: Buffer[], send: (reply: Frames) => void) => void,
): Promise<() => void> {
	const received = new Int32Array(new SharedArrayBuffer(4));
	const workerData: ControlThreadData = { ...interrupts, address, key, received };
	// Both files are in the folder of the kernelspec.
	const thread = new Worker(join(__dirname, "control-thread.cjs"), { workerData });
	const post = (message: ToControlThread) => thread.postMessage(message);
	const target = targetOf(post);
	// Where V8's inspector finds it.
	Object.defineProperty(globalThis, Symbol.for(TARGET), { value: target });
	const respond = async ({ method, args }: Question) => {
		post({ answer: await target.answer(false, method, ...args) });
	};
	return new Promise((resolve, reject) => {
		thread.on("error", reject);
		thread.on("message", (message: FromControlThread) => {
			if (message === "bound") return resolve(() => post("close"));
			if ("method" in message) return void respond(message);
			Atomics.add(received, 0, 1);
			onMessage(
				message.map((frame) => Buffer.from(frame)),
				post,
			);
		});
	});
}
