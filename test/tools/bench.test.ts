// The frame of `npm run bench`: what it makes of two programs' answers. What they measure is not tested.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linked } from "../../tools/bench/links";
import { againstBest } from "../../tools/bench/peers";
import { kernelTimes } from "../../tools/bench/profile";
import { median } from "../../tools/bench/results";
import { interleaved, type Side } from "../../tools/bench/sides";
import { printed, smallDataset } from "../helpers";

/** A program that answers each line with its length, `factor` times. */
const program = (factor: number) => [
	"node",
	"-e",
	`require("node:readline").createInterface({ input: process.stdin }).on("line", (line) =>
		console.log(JSON.stringify({ ms: ${factor} * line.length, half: ${factor / 2} * line.length, env: Number(process.env.N) })))`,
];

test("two programs do each step in turn, and the first round is ignored", async () => {
	const observed: string[] = [];
	const observe = (step: string, side: Side) => {
		observed.push(`${step} ${side}`);
		return () => {};
	};
	const options = { parts: ["half", "env"], environment: { N: "7" }, observe };
	const log = await printed(async () => {
		const commands = { ours: program(10), python: program(20) };
		assert.deepEqual(await interleaved(commands, ["a", "bb"], 2, options), {
			a: { ours: [10, 10], python: [20, 20] },
			"a: half": { ours: [5, 5], python: [10, 10] },
			"a: env": { ours: [7, 7], python: [7, 7] },
			bb: { ours: [20, 20], python: [40, 40] },
			"bb: half": { ours: [10, 10], python: [20, 20] },
			"bb: env": { ours: [7, 7], python: [7, 7] },
		});
	});
	assert.equal(log, "steps, warming up …\nsteps, round 1 of 2 …\nsteps, round 2 of 2 …");
	const turns = ["a ours", "a python", "bb ours", "bb python", "a python", "a ours", "bb python", "bb ours"];
	assert.deepEqual(observed, turns);
});

test("who goes first changes from round to round, also of three", async () => {
	const turns: string[] = [];
	const observe = (_: string, side: string) => {
		turns.push(side);
		return () => {};
	};
	const commands = { a: program(1), b: program(2), c: program(3) };
	await printed(() => interleaved(commands, ["step"], 3, { observe }));
	assert.equal(turns.join(" "), "a b c b c a c a b");
});

test("ours is compared with the fastest peer of a precision that was measured", () => {
	const times = { predict: { ours: [10, 10, 20], slow: [40, 50, 60], fast: [20, 30, 10], other: [1, 1, 1] } };
	assert.deepEqual(againstBest(times, "float32", ["slow", "fast", "left out"]), [
		{ step: "predict", precision: "float32", best: "fast", ratio: 2, spread: [0.5, 3] },
	]);
});

test("a program that ends too early is named", async () => {
	const commands = { ours: ["node", "-e", "0"], python: program(1) };
	await printed(() => assert.rejects(interleaved(commands, ["a"], 1), /`node -e 0 steps` ended too early/));
});

test("a quick data set has the first images of each class", () => {
	const dataset = smallDataset();
	const folder = linked(dataset, { train: 2, valid: 1 });
	for (const [split, count] of Object.entries({ train: 2, valid: 1 })) {
		for (const name of readdirSync(join(dataset, split))) {
			const expected = readdirSync(join(dataset, split, name))
				.sort()
				.slice(0, count);
			assert.deepEqual(readdirSync(join(folder, split, name)).sort(), expected);
		}
	}
	assert.equal(median([3, 1, 2]), 2);
});

test("the lines of oneDNN's log are added up by kernel", () => {
	const log = [
		"onednn_verbose,v1,info,cpu,isa:Intel AVX2",
		"onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:cdba::f0 dst:f32::blocked:Acdb32a::f0,,,32x3x3x3,0.5",
		"onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,backward_weights,src:f32,attr-scratchpad:user,alg:direct,mb128,2.25",
		"onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,backward_weights,src:f32,attr-scratchpad:user,alg:direct,mb8,0.75",
		'{"ms":3}',
	].join("\n");
	assert.deepEqual(kernelTimes(log), { "reorder (jit:uni)": 0.5, "convolution backward_weights (jit:avx2)": 3 });
});
