// One run of a cell or of a widget's callback: where its outputs go, and whether it was interrupted.
import { AsyncLocalStorage } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import type { Execution } from "../../src/support/kernel";

export type Publish = Execution["publish"];

/** Thrown where an interrupted cell ends. */
export class Interrupted extends Error {
	constructor() {
		super("the cell was stopped");
		this.name = "Interrupted";
		this.stack = "Interrupted";
	}
}

/** Memory shared with the control thread, which receives the interrupt button while a loop blocks the main thread. */
export interface InterruptState {
	/** 1 from an interrupt to the next run. */
	stop: Int32Array;
	/** Numbers of the latest run, and of the one that the last interrupt met. */
	runs: Int32Array;
	/** Time of the control thread's last SIGINT, in milliseconds since 1970. */
	signalledAt: Float64Array;
}

export const interruptState: InterruptState = {
	stop: new Int32Array(new SharedArrayBuffer(4)),
	runs: new Int32Array(new SharedArrayBuffer(8)),
	signalledAt: new Float64Array(new SharedArrayBuffer(8)),
};

/** Follows everything that a run starts, also beyond its awaits and its end. */
const storage = new AsyncLocalStorage<Run>();
let running: Run | undefined;
let latest: Run | undefined;

export class Run implements Execution {
	private readonly controller = new AbortController();
	private abandon: (reason: unknown) => void = () => {};
	private readonly abandoned = new Promise<never>((_, reject) => {
		this.abandon = reject;
	});
	readonly signal = this.controller.signal;

	/** @param publish sends a Jupyter message about this run to the front end */
	constructor(readonly publish: Publish) {}

	/**
	 * Runs `work`.
	 *
	 * Interrupted, it throws `Interrupted`: at once, or, if the work listens to `signal`, when the work has ended, so
	 * that its result is not lost. A second interrupt does not wait.
	 */
	async run<T>(work: () => Promise<T>): Promise<T> {
		running = this;
		latest = this;
		Atomics.add(interruptState.runs, 0, 1);
		Atomics.store(interruptState.stop, 0, 0);
		try {
			const result = await Promise.race([this.within(work), this.abandoned]);
			this.signal.throwIfAborted();
			// A program that the cell waited for can end by the signal before the interrupt's message is here.
			checkLoop();
			return result;
		} catch (error) {
			// What a child process says that got the signal too is a consequence.
			throw Atomics.load(interruptState.stop, 0) === 1 ? new Interrupted() : error;
		} finally {
			running = undefined;
		}
	}

	/** Calls back as a part of this run. */
	within<T>(callback: () => T): T {
		return storage.run(this, callback);
	}

	interrupt(): void {
		const waits = !this.signal.aborted && getEventListeners(this.signal, "abort").length > 0;
		this.controller.abort(new Interrupted());
		if (!waits) this.abandon(this.signal.reason);
	}

	/** Short, because Node shows the run as a part of every promise made in it. */
	[inspect.custom](): string {
		return "cell";
	}
}

/** The run that the calling code belongs to; the latest one for code that belongs to none. Undefined before the first. */
export const currentRun = (): Run | undefined => storage.getStore() ?? latest;

/** Interrupts what is running. */
export function interrupt(): void {
	running?.interrupt();
}

/** Acts on an interrupt by message: the signal may have ended the run that it met, and the next one goes on. */
export function interruptByMessage(): void {
	const { runs } = interruptState;
	if (Atomics.load(runs, 0) === Atomics.load(runs, 1)) interrupt();
}

/** Ends an interrupted cell; called before each of its awaits. */
export function checkpoint(): void {
	storage.getStore()?.signal.throwIfAborted();
}

/** Ends an interrupted loop; called in each of its rounds, since not all loops await, so it must cost next to nothing. */
export function checkLoop(): void {
	if (Atomics.load(interruptState.stop, 0) === 1) throw new Interrupted();
}
