// Messages of the debug adapter protocol, as far as JupyterLab and this kernel use them.
// https://microsoft.github.io/debug-adapter-protocol/specification

/** The symbol by which the control thread finds the main thread's side, in the symbols of all threads. */
export const TARGET = "tslab.debugger";
/** Milliseconds after which an evaluation is given up. */
export const PATIENCE = 10_000;

/** What the main thread answers, as JSON: what is thrown, too, since V8 would run code to describe it, and could stop in there. */
export interface Answer {
	result?: unknown;
	error?: string;
}

/** The error in an answer that has to be asked for again. */
export const BUSY = "busy";

/** The content of a `debug_request`. */
export interface DebugRequest {
	seq: number;
	command: string;
	arguments?: unknown;
}

export interface Source {
	path?: string;
}

/** A breakpoint that is asked for. */
export interface SourceBreakpoint {
	line: number;
	condition?: string;
}

/** A breakpoint that was asked for, and what became of it. */
export interface Breakpoint {
	id: number;
	verified: boolean;
	line: number;
	source: Source;
	/** Why it is not verified. */
	message?: string;
}

export interface StackFrame {
	id: number;
	name: string;
	source: { name: string; path: string };
	line: number;
	column: number;
}

/** Publishes an event. */
export type Emit = (event: string, body?: object) => void;
