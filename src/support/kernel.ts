// What the notebook's kernel offers to the code that runs in it. Outside a notebook there is none.
import { setImmediate } from "node:timers/promises";

/** A piece of output in several forms, by MIME type; the front end takes the richest it can draw. */
export type Bundle = Record<string, unknown>;

/** A run of a cell, or of a widget's work. */
export interface Execution {
	/** Sends a Jupyter message about this run to the front end, for example `display_data`. */
	publish(type: string, content: object, metadata?: object): void;
	/** Aborted when the user presses the interrupt button. */
	signal: AbortSignal;
}

/** A channel to a widget in the front end. */
export interface Comm {
	id: string;
	send(data: object): void;
	close(): void;
}

/** What `tools/kernel` implements. */
export interface Kernel {
	/** The run that the calling code belongs to. */
	current(): Execution;
	/** Interrupts what is running, as the button does. */
	interrupt(): void;
	/** Opens a comm. `onMessage` gets what the front end sends; what it shows appears below the cell that opened the comm. */
	openComm(target: string, data: object, options: { metadata?: object; onMessage(data: object): void }): Comm;
	/** Runs work as if it were a cell: after the cells that wait, and interruptible. */
	run(work: () => Promise<void>): Promise<void>;
}

/** The kernel (`tools/kernel`), or undefined outside a notebook. */
export const kernel = (): Kernel | undefined =>
	(globalThis as { [name: symbol]: unknown })[Symbol.for("tslab.kernel")] as Kernel | undefined;

/**
 * Lets the work end by itself when the user presses the interrupt button, so that what it returns by then is kept:
 * the kernel ends a cell at once only if nobody listens.
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

/** To be called between the steps of long work: lets the kernel hear the interrupt button, and throws if it was pressed. */
export async function checkInterrupt(): Promise<void> {
	await setImmediate();
	kernel()?.current().signal.throwIfAborted();
}
