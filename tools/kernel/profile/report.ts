// A CPU profile as a table of the hottest functions and a flame graph.
import type { Bundle } from "../../../src/support/kernel";
import type { Stacks } from "../stacks";
import { tableBelow } from "../values/kind";
import type { CpuProfile } from "./cpu-profile";
import { flameGraph } from "./flame-graph";
import { type Call, type Owner, type StackTree, stackTree } from "./stack-tree";

/** Functions in the table, and lines of each. */
const FUNCTIONS = 15;
const LINES = 3;

/** Returns a profile as HTML and text. */
export function profileBundle(profile: CpuProfile, stacks: Stacks): Bundle {
	const tree = stackTree(profile, stacks);
	const table = tableBelow([summaryOf(tree)], hottest(tree.root).map(rowOf(tree.root.total)));
	return { ...table, "text/html": `${table["text/html"]}${flameGraph(tree.root)}` };
}

/** Whose code took how long: TensorFlow's share first. */
function summaryOf({ root, waiting, collecting }: StackTree): string {
	const times: Record<Owner, number> = { TensorFlow: 0, "cells and modules": 0, packages: 0, Node: 0 };
	for (const call of callsIn(root)) times[call.owner] += call.self;
	const all = root.total + waiting + collecting;
	const parts = Object.entries({ ...times, "freeing memory": collecting, waiting });
	const shown = parts.map(([name, time]) => `${name} ${milliseconds(time)} (${share(time, all)})`);
	return `${milliseconds(all)}: ${shown.join(", ")}`;
}

/** Returns the functions with the most time in themselves, wherever they were called from. */
function hottest(root: Call): Call[] {
	const functions = new Map<string, Call>();
	const add = (call: Call, above: Set<string>): void => {
		const key = `${call.name} ${call.place}`;
		const sum = functions.get(key) ?? { ...call, self: 0, total: 0, lines: new Map() };
		sum.self += call.self;
		// A function that calls itself is within its own time.
		if (!above.has(key)) sum.total += call.total;
		for (const [line, time] of call.lines) sum.lines.set(line, (sum.lines.get(line) ?? 0) + time);
		functions.set(key, sum);
		for (const child of call.calls.values()) add(child, new Set([...above, key]));
	};
	for (const call of root.calls.values()) add(call, new Set());
	return [...functions.values()].sort((a, b) => b.self - a.self).slice(0, FUNCTIONS);
}

const rowOf =
	(all: number) =>
	({ name, place, owner, self, total, lines }: Call) => ({
		...{ function: name, place, of: owner },
		...{ "self %": Math.round((100 * self) / all), "self ms": Math.round(self), "total ms": Math.round(total) },
		lines: [...lines]
			.sort((a, b) => b[1] - a[1])
			.slice(0, LINES)
			.map(([line, time]) => `${line} (${share(time, self)})`)
			.join(", "),
	});

function* callsIn(call: Call): Generator<Call> {
	yield call;
	for (const child of call.calls.values()) yield* callsIn(child);
}

const milliseconds = (time: number) => `${time.toFixed(time < 10 ? 1 : 0)} ms`;
const share = (part: number, all: number) => `${((100 * part) / (all || 1)).toFixed(0)} %`;
