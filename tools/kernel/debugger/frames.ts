// Functions that are stopped, and steps from line to line of them.
import type { Debugger } from "node:inspector";
import type { StackFrame } from "./protocol";
import type { Place } from "./sources";

/** How to go on, as a command of V8. */
export type Move = "resume" | "stepOver" | "stepInto" | "stepOut";

/** A function that is stopped, in a cell or in a module of the project. */
export interface Frame {
	call: Debugger.CallFrame;
	place: Place;
}

/** A step that has not come to another line yet. */
export interface Step {
	move: Move;
	/** The line that it left. */
	left: string;
	/** The places in that line where it has been. */
	visited: Set<string>;
}

/** A place in JavaScript, of which a line of TypeScript can have several. */
const placeOf = ({ call: { location } }: Frame) => `${location.lineNumber}:${location.columnNumber}`;

/** A line of a function. */
function lineOf({ call, place }: Frame): string {
	const { lineNumber, columnNumber } = call.functionLocation ?? call.location;
	return `${call.location.scriptId}:${lineNumber}:${columnNumber} ${place.line}`;
}

export const stepFrom = (frame: Frame, move: Move): Step => ({
	move,
	left: lineOf(frame),
	visited: new Set([placeOf(frame)]),
});

/** Whether a step has come to another line, or to one place again, as in a loop of one line. Otherwise it is noted. */
export function isNewLine({ left, visited }: Step, frame: Frame): boolean {
	const place = placeOf(frame);
	if (left !== lineOf(frame) || visited.has(place)) return true;
	visited.add(place);
	return false;
}

export function toStackFrame({ call, place }: Frame, id: number): StackFrame {
	const { line, column, path, name: file } = place;
	// A cell, or a module, is a function without a name at the beginning.
	const name = call.functionName || (call.functionLocation?.lineNumber === 0 ? file : "(anonymous)");
	return { id, name, source: { name: file, path }, line, column };
}
