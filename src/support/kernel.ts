// The API that the notebook kernel offers to running code: output, interrupts, comms.
import { setImmediate } from "node:timers/promises";

/** A MIME bundle: one output in several forms, by MIME type. The front end shows the richest it supports. */
export type Bundle = Record<string, unknown>;

/** The execution of a cell, or of a widget's callback. */
export interface Execution {
	/** Sends a Jupyter message of this execution to the front end, for example `display_data`. */
	publish(type: string, content: object, metadata?: object): void;
	/** Aborted when the user presses the interrupt button. */
	signal: AbortSignal;
}

/** A Jupyter comm: a channel to a widget in the front end. */
export interface Comm {
	id: string;
	send(data: object): void;
	close(): void;
}

/** The API of the kernel, which `tools/kernel` implements. */
export interface Kernel {
	/** Returns the execution that the calling code belongs to. */
	current(): Execution;
	/** Interrupts the running execution, as the interrupt button does. */
	interrupt(): void;
	/**
	 * Opens a comm.
	 *
	 * @param options `onMessage` receives the front end's messages; its output appears below the cell that opened the comm
	 */
	openComm(target: string, data: object, options: { metadata?: object; onMessage(data: object): void }): Comm;
	/** Runs work like a cell: after the queued cells, and interruptible. */
	run(work: () => Promise<void>): Promise<void>;
}

/** Returns the kernel (`tools/kernel`), or undefined outside a notebook. */
export const kernel = (): Kernel | undefined =>
	(globalThis as { [name: symbol]: unknown })[Symbol.for("tslab.kernel")] as Kernel | undefined;

/**
 * Runs work that ends by itself when the user presses the interrupt button, and returns its result.
 *
 * The kernel aborts an interrupted cell at once unless its signal has a listener: this adds one.
 */
export async function endingItself<T>(work: () => Promise<T>): Promise<T> {
	const signal = kernel()?.current().signal;
	const listener = () => {};
	signal?.addEventListener("abort", listener);
	try {
		return await work();
	} finally {
		signal?.removeEventListener("abort", listener);
	}
}

/**
 * Lets the kernel process an interrupt. Long work calls this between its steps.
 *
 * @throws an `AbortError` when the user pressed the interrupt button
 */
export async function checkInterrupt(): Promise<void> {
	await setImmediate();
	kernel()?.current().signal.throwIfAborted();
}
