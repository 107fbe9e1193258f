import assert from "node:assert/strict";
import { test } from "node:test";
import { liveSweep, parallelCoordinates, trialRows } from "../../src/display/sweep-view";
import { choice, logUniform, type Space, uniform } from "../../src/sweep/space";
import type { Trial } from "../../src/sweep/trial";
import { printed } from "../helpers";

const space: Space = {
	learningRate: logUniform(1e-5, 1e-1),
	dropout: uniform(0, 1),
	batchSize: choice(8, 64),
	seed: 1,
};
const trial = (id: number, changes: Partial<Trial> = {}): Trial => ({
	id,
	parameters: { learningRate: 10 ** (-4 + id), dropout: id / 10, batchSize: id % 2 ? 8 : 64, seed: 1 },
	state: "waiting",
	curves: { loss: [], acc: [], valLoss: [], valAcc: [] },
	value: null,
	attempts: 0,
	seconds: 0,
	threads: 1,
	error: null,
	...changes,
});
const curvesOf = (valLoss: number[]) => ({ loss: valLoss, acc: valLoss, valLoss, valAcc: valLoss });
const trials = [
	trial(0, { state: "complete", value: 0.4, curves: curvesOf([0.5, 0.4]), seconds: 8 }),
	trial(1, { state: "failed", error: "out of memory", value: 0.1, curves: curvesOf([0.1]) }),
	trial(2, { state: "pruned", value: 0.3, curves: curvesOf([0.3]), seconds: 4 }),
	trial(3, { state: "running", value: 0.9, curves: curvesOf([0.9]) }),
	trial(4),
];

test("trialRows orders running, best to worst, then other trials, with the varying hyperparameters", () => {
	const rows = trialRows(trials) as Record<string, unknown>[];
	const idsOf = (tableRows: object[]) => (tableRows as { trial: number }[]).map(({ trial }) => trial);
	assert.deepEqual(idsOf(rows), [3, 2, 0, 1, 4]);
	assert.deepEqual(Object.keys(rows[0]), [
		"trial",
		...["learningRate", "dropout", "batchSize"],
		...["state", "epochs", "validation loss", "seconds", "error"],
	]);
	assert.equal(rows[3].error, "out of memory");
	assert.deepEqual(idsOf(trialRows(trials, "valAcc")), [3, 0, 2, 1, 4], "higher accuracy is better");
});

test("parallelCoordinates has an axis per varying hyperparameter, logarithmic for log-uniform ones", () => {
	const { data } = parallelCoordinates(trials, space);
	const [{ dimensions, line }] = data as [
		{ dimensions: { label: string; values: number[]; ticktext?: string[]; tickvals?: number[] }[]; line: object },
	];
	const axes = Object.fromEntries(dimensions.map((axis) => [axis.label, axis]));
	assert.deepEqual(Object.keys(axes), ["learningRate (log)", "dropout", "batchSize", "lowest validation loss"]);
	// Trials 0, 2 and 3: the failed and the waiting trial are left out.
	for (const [i, power] of [-4, -2, -1].entries())
		assert.ok(Math.abs(axes["learningRate (log)"].values[i] - power) < 1e-9);
	assert.deepEqual(axes["learningRate (log)"].tickvals, [-4, -3, -2, -1]);
	assert.deepEqual(axes["learningRate (log)"].ticktext, ["0.0001", "0.001", "0.01", "0.1"]);
	assert.deepEqual(axes.dropout.values, [0, 0.2, 0.3]);
	assert.deepEqual(
		[axes.batchSize.ticktext, axes.batchSize.values],
		[
			["8", "64"],
			[1, 1, 0],
		],
	);
	assert.deepEqual(axes["lowest validation loss"].values, [0.4, 0.3, 0.9]);
	assert.deepEqual((line as { color: number[] }).color, [0.4, 0.3, 0.9]);
});

test("liveSweep draws updates that arrive together once, with ended, running and best trials", async () => {
	const text = await printed(async () => {
		const onChange = liveSweep();
		for (const _ of trials) onChange(trials);
		await Promise.resolve();
	});
	assert.equal(text.match(/of 5 trials/g)?.length, 1);
	assert.match(text, /^3 of 5 trials, 1 running, 1 s, best: trial 2, validation loss 0\.3000\ntrial\t/);
});
