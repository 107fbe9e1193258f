// What a cell's first line measures: `// %time` and `// %profile`.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { completeDirective, describeDirective, directiveOf } from "../../tools/kernel/profile/directives";
import { flameGraph } from "../../tools/kernel/profile/flame-graph";
import { profileBundle } from "../../tools/kernel/profile/report";
import { Stacks } from "../../tools/kernel/stacks";
import { project, type Result, runCells, shown } from "./run-cells";

const TIME = /^Wall time (\d+\.\d\d) s, CPU time (\d+\.\d\d) s \(user \d+\.\d\d s, system \d+\.\d\d s\)\n$/;

const BUSY = `// %profile
function busy(rounds: number): number {
	let sum = 0;
	for (let i = 0; i < rounds; i++)
		sum += Math.sqrt(i) % 3;
	return sum;
}
busy(3e7) > 0`;

describe("a cell's first line", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			"// %time\nlet sum = 0; for (let i = 0; i < 1e7; i++) sum += i; 'result'",
			"// %time\nthrow new Error('failed')",
			"// %time\nconst wrong: number = 'a';",
			BUSY,
			"// %profile\nimport * as tf from '@tensorflow/tfjs-node-gpu'; const a = tf.ones([1000, 1000]); for (let i = 0; i < 20; i++) a.matMul(a).dataSync()[0];",
			"// %profile\nthrow new Error('failed too')",
			{ code: "// %profile\nawait new Promise(() => {});", interrupt: [0.5] },
			"// %profiler or %time further on are comments\n// %time\n1",
			"2",
		]);
	});
	const profileOf = ({ displays }: Result) => displays[0].data as Record<string, string>;

	test("%time shows the wall and CPU time of a cell that runs, also of one that fails", () => {
		assert.match(results[0].stdout, TIME);
		assert.equal(results[0].result?.["text/plain"], "result");
		assert.match(results[1].stdout, TIME);
		assert.equal(results[1].error?.evalue, "failed");
		assert.equal(results[2].stdout, "");
	});

	test("%profile finds the function and the line of TypeScript that the time goes to", () => {
		assert.equal(results[3].result?.["text/plain"], "true");
		const lines = profileOf(results[3])["text/plain"].split("\n");
		const [hottest] = lines.slice(2).map((line) => line.split("\t"));
		assert.deepEqual(hottest.slice(0, 3), ["busy", "cell [4]:2", "cells and modules"]);
		assert.match(hottest[6], /^5 \(\d+ %\)/);
	});

	test("%profile draws a flame graph that needs nothing else", () => {
		const html = profileOf(results[3])["text/html"];
		assert.match(html, /<svg[\s\S]*<title>busy, cell \[4\]:2: \d+\.\d ms<\/title>/);
		assert.doesNotMatch(html, /<script|href=|main\.cjs/);
	});

	test("%profile names TensorFlow's share", () => {
		const [summary] = profileOf(results[4])["text/plain"].split("\n");
		assert.ok(Number(/TensorFlow (\d+) ms/.exec(summary)?.[1]) > 0, summary);
	});

	test("%profile ends with a cell that fails or is interrupted, and the next cell is as ever", () => {
		assert.match(profileOf(results[5])["text/plain"], /^\d/);
		assert.deepEqual(results[5].error?.traceback, ["Error: failed too", "    at cell [6]:2:7"]);
		assert.match(profileOf(results[6])["text/plain"], /waiting/);
		assert.deepEqual(results[6].error?.traceback, ["Interrupted"]);
	});

	test("measures nothing where it only looks like one", () => {
		assert.deepEqual([shown(results[7]), results[7].displays.length, shown(results[8])], ["1", 0, "2"]);
	});
});

test("directives are known, completed and described in the first line only", () => {
	const cases: [string, string | undefined][] = [
		["// %time", "time"],
		["\n  //%profile now\nx", "profile"],
		["// %%time", "time"],
		["// %timer", undefined],
		["x; // %time", undefined],
		["1\n// %time", undefined],
	];
	for (const [code, directive] of cases) assert.equal(directiveOf(code), directive, code);
	assert.deepEqual(completeDirective("// %", 4), { start: 3, end: 4, candidates: ["%time", "%profile"] });
	assert.deepEqual(completeDirective("// %pr\nx", 6)?.candidates, ["%profile"]);
	assert.equal(completeDirective("// %pr\nx", 8), undefined);
	assert.match(describeDirective("// %time", 5) ?? "", /^\/\/ %time\n\nShows the wall time/);
	assert.equal(describeDirective("// %tim", 5), undefined);
});

test("a profile's times add up, and a recursive function is counted once", () => {
	const frame = (functionName: string, lineNumber: number) => ({
		functionName,
		scriptId: "1",
		url: "/a/node_modules/p/i.js",
		lineNumber,
		columnNumber: 0,
	});
	const native = (functionName: string) => ({ functionName, scriptId: "0", url: "", lineNumber: -1, columnNumber: -1 });
	const nodes = [
		{ id: 1, callFrame: native("(root)"), children: [2, 5, 6] },
		{ id: 2, callFrame: frame("outer", 0), children: [3] },
		{ id: 3, callFrame: frame("again", 1), children: [4] },
		{ id: 4, callFrame: frame("again", 1) },
		{ id: 5, callFrame: native("(idle)") },
		{ id: 6, callFrame: native("(garbage collector)") },
	];
	const profile = {
		nodes,
		startTime: 0,
		endTime: 100_000,
		samples: [2, 3, 4, 4, 5, 6],
		timeDeltas: [10_000, 20_000, 30_000, 5_000, 15_000, 20_000],
	};
	const { "text/plain": text } = profileBundle(profile, new Stacks()) as Record<string, string>;
	const [summary, , ...rows] = text.split("\n");
	assert.match(summary, /^100 ms: .*packages 65 ms \(65 %\).*freeing memory 20 ms \(20 %\), waiting 15 ms \(15 %\)$/);
	assert.deepEqual(
		rows.map((row) => row.split("\t").slice(0, 6)),
		[
			["again", "p/…/i.js:2", "packages", "85", "55", "55"],
			["outer", "p/…/i.js:1", "packages", "15", "10", "65"],
		],
	);
});

test("an empty profile is a sentence without a graph", () => {
	const bundle = profileBundle({ nodes: [], startTime: 0, endTime: 0 }, new Stacks()) as Record<string, string>;
	assert.match(bundle["text/plain"], /^0\.0 ms:/);
	assert.equal(
		flameGraph({ name: "", place: "", owner: "Node", self: 0, total: 0, lines: new Map(), calls: new Map() }),
		"",
	);
});
