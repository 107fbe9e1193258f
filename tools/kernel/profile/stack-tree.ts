// The samples of a CPU profile as one tree of calls, with the places of TypeScript.
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Stacks } from "../stacks";
import type { CpuProfile } from "./cpu-profile";

type ProfileNode = CpuProfile["nodes"][number];

/** Whose a function is; Node's are JavaScript's own and the kernel's too. */
export type Owner = "cells and modules" | "packages" | "TensorFlow" | "Node";

export interface Call {
	name: string;
	/** Where the function begins: `cell [1]:2`, or a file of a package. */
	place: string;
	owner: Owner;
	/** Milliseconds in the function itself, without those that it calls. */
	self: number;
	/** Milliseconds in it and in those that it calls. */
	total: number;
	/** Milliseconds by line of TypeScript. */
	lines: Map<number, number>;
	/** By name and place. */
	calls: Map<string, Call>;
}

export interface StackTree {
	/** Stands for the cell. */
	root: Call;
	/** Milliseconds in which no code ran, and in which V8 freed memory. */
	waiting: number;
	collecting: number;
}

/** The files that call TensorFlow's C library: those of TensorFlow.js, and this project's for whole graphs. */
const CALLS_TENSORFLOW = /\/@tensorflow\/tfjs-node[^/]*\/|\/src\/tensorflow\//;
/** What runs on behalf of the kernel where no code of the user called it. */
const OF_KERNEL = /^node:|\/node_modules\/zeromq\//;

/** Makes the tree of a profile, without what the kernel does around the cell. */
export function stackTree({ nodes, samples = [], timeDeltas = [] }: CpuProfile, stacks: Stacks): StackTree {
	const times = new Map<number, number>();
	for (const [i, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + timeDeltas[i] / 1000);
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const tree: StackTree = { root: newCall("cell", "", "Node"), waiting: 0, collecting: 0 };
	const visit = (node: ProfileNode, caller: Call | undefined, path: string): number => {
		const time = times.get(node.id) ?? 0;
		const { functionName, url } = node.callFrame;
		if (url === "node:inspector") return 0;
		if (functionName === "(idle)" || functionName === "(program)") tree.waiting += time;
		if (functionName === "(garbage collector)") tree.collecting += time;
		const file = url.startsWith("file:") ? fileURLToPath(url) : url;
		const isCounted = caller !== undefined || (file !== "" && file !== __filename && !OF_KERNEL.test(file));
		const call = isCounted ? callOf(caller ?? tree.root, node, file, path, stacks) : undefined;
		if (call) addTime(call, time, node, file, stacks);
		const below = (node.children ?? []).map((id) => visit(byId.get(id) as ProfileNode, call, file || path));
		const total = below.reduce((sum, part) => sum + part, call ? time : 0);
		if (call) call.total += total;
		return total;
	};
	if (nodes.length > 0) tree.root.total = visit(nodes[0], undefined, "");
	return tree;
}

const CELL = "(cell)";

const newCall = (name: string, place: string, owner: Owner): Call => ({
	...{ name, place, owner },
	...{ self: 0, total: 0, lines: new Map(), calls: new Map() },
});

/**
 * Returns the call of a node among those of its caller.
 *
 * @param file path of its code, empty for native code
 * @param caller path of the code that called it
 */
function callOf(above: Call, { callFrame }: ProfileNode, file: string, caller: string, stacks: Stacks): Call {
	const { functionName, lineNumber, columnNumber } = callFrame;
	// V8 does not know the names of a library's functions.
	const isTensorFlow = file === "" && !functionName.startsWith("(") && CALLS_TENSORFLOW.test(caller);
	const found = stacks.placeOf(file, lineNumber + 1, columnNumber + 1);
	const isUsers = stacks.origins.has(file);
	const ownerOfCode = isUsers ? "cells and modules" : isInPackage(file) ? "packages" : "Node";
	const owner = isTensorFlow ? "TensorFlow" : ownerOfCode;
	const place = found ? `${found.source}:${found.line}` : isUsers ? file : placeInPackage(file, lineNumber + 1);
	// What has no place in TypeScript is the function that the kernel puts around a cell.
	const anonymous = isUsers && !found ? CELL : "(anonymous)";
	if (anonymous === CELL && above.name === CELL) return above;
	const name = isTensorFlow ? "TensorFlow" : functionName || anonymous;
	const key = `${name} ${place} ${columnNumber}`;
	const call = above.calls.get(key) ?? newCall(name, place, owner);
	above.calls.set(key, call);
	return call;
}

const isInPackage = (file: string) => file.startsWith("/") && file !== __filename;

function placeInPackage(file: string, line: number): string {
	if (!isInPackage(file)) return file === __filename ? "kernel" : file;
	const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
	return `${name ?? basename(dirname(file))}/…/${basename(file)}:${line}`;
}

function addTime(call: Call, time: number, { positionTicks = [] }: ProfileNode, file: string, stacks: Stacks): void {
	call.self += time;
	const ticks = positionTicks.reduce((sum, position) => sum + position.ticks, 0);
	for (const position of positionTicks) {
		// A sample has no column; the last mapping of the line is of the same statement, mostly.
		const line = stacks.placeOf(file, position.line, Number.MAX_SAFE_INTEGER)?.line;
		if (line !== undefined) call.lines.set(line, (call.lines.get(line) ?? 0) + (time * position.ticks) / ticks);
	}
}
