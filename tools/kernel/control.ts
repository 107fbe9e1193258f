// The control channel. It has its own thread, which receives the interrupt button while a cell's loop blocks the main one.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { InterruptState } from "./execution";
import type { Frames } from "./sending";

/** What the thread starts with. */
export interface ControlThreadData extends InterruptState {
	address: string;
	/** Number of messages that the main thread has received, by which the thread sees that it is not blocked. */
	received: Int32Array;
}

/** What the main thread sends: a reply, or the end. */
export type ToControlThread = Frames | "close";
/** What the thread sends: that it listens, or a message. */
export type FromControlThread = "bound" | Uint8Array[];

/**
 * Binds the control channel at `address`.
 *
 * @param interrupts set by an interrupt, which also sends this process a SIGINT: Node ends a cell without an `await` by it
 * @param onMessage receives the messages, interrupts included
 * @returns closes the channel
 */
export function bindControl(
	address: string,
	interrupts: InterruptState,
	onMessage: (frames: Buffer[], send: (reply: Frames) => void) => void,
): Promise<() => void> {
	const received = new Int32Array(new SharedArrayBuffer(4));
	const workerData: ControlThreadData = { ...interrupts, address, received };
	// Both files are in the folder of the kernelspec.
	const thread = new Worker(join(__dirname, "control-thread.cjs"), { workerData });
	const post = (message: ToControlThread) => thread.postMessage(message);
	return new Promise((resolve, reject) => {
		thread.on("error", reject);
		thread.on("message", (message: FromControlThread) => {
			if (message === "bound") return resolve(() => post("close"));
			Atomics.add(received, 0, 1);
			onMessage(
				message.map((frame) => Buffer.from(frame)),
				post,
			);
		});
	});
}
