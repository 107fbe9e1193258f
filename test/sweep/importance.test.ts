import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sum } from "../../src/support/statistics";
import { bootstrapImportances, impurityDecreases, parameterImportances } from "../../src/sweep/importance";
import { choice, logUniform, trialsOf, uniform, type Value } from "../../src/sweep/space";
import { fixture } from "../helpers";

test("impurity decreases of an additive function equal its analysis of variance", () => {
	const effects = [3, 0, -1, 0.5];
	const rows = Array.from({ length: 16 }, (_, i) => effects.map((_, bit) => (i >> bit) & 1));
	const values = rows.map((row) => 7 + sum(row.map((level, i) => level * effects[i])));
	const decreases = impurityDecreases(rows, values);
	// In a complete two-level design the sum of squares of an effect is n / 4 times its square.
	for (const [i, effect] of effects.entries()) assert.ok(Math.abs(decreases[i] - 4 * effect ** 2) < 1e-9);
	const curved = Array.from({ length: 50 }, (_, i) => [i, 1]);
	const squares = impurityDecreases(
		curved,
		curved.map(([x]) => (x - 20) ** 2),
	);
	const mean = sum(curved.map(([x]) => (x - 20) ** 2)) / 50;
	const total = sum(curved.map(([x]) => ((x - 20) ** 2 - mean) ** 2));
	assert.ok(Math.abs(squares[0] / total - 1) < 1e-9, "a full tree explains all variance");
	assert.equal(squares[1], 0);
});

test("importances are close to Optuna's", () => {
	type Study = { parameters: Record<string, Value>[]; values: number[]; importances: Record<string, number> };
	for (const { parameters, values, importances } of fixture<Study[]>("importance")) {
		const ours = parameterImportances(parameters, values);
		for (const { parameter, importance } of ours) {
			const theirs = importances[parameter];
			// Forests are random, and Optuna one-hot encodes categorical values.
			assert.ok(Math.abs(importance - theirs) < 0.1, `${parameter}: ${importance}, Optuna ${theirs}`);
		}
		assert.ok(Math.abs(sum(ours.map(({ importance }) => importance)) - 1) < 1e-9);
		assert.deepEqual(parameterImportances(parameters, values), ours);
	}
});

test("constant hyperparameters are ignored, and trials that do not differ are an error", () => {
	const parameters = [0, 1, 2, 3].map((i) => ({ epochs: 5, optimizer: i < 2 ? "adam" : "sgd" }));
	assert.deepEqual(parameterImportances(parameters, [1, 1, 4, 4]), [{ parameter: "optimizer", importance: 1 }]);
	const message = (trials: number) =>
		new RegExp(
			`cannot compute importances from ${trials} trials: expected trials that differ in parameters and in values`,
		);
	assert.throws(() => parameterImportances(parameters, [1, 1, 1, 1]), message(4));
	assert.throws(() => parameterImportances(parameters.slice(0, 2), [1, 4]), message(2));
	assert.throws(() => parameterImportances([], []), message(0));
});

describe("bootstrapImportances", () => {
	const space = { learningRate: logUniform(1e-4, 1e-2), dropout: uniform(0, 0.7), batchSize: choice(16, 32, 64) };
	const noise = (trials: number, seed: number) => trialsOf({ z: uniform(0, 1) }, { samples: trials, seed });

	test("with 8 trials of noise the intervals overlap, whatever the seed", () => {
		for (const seed of [1, 2, 3, 4, 5]) {
			const trials = trialsOf(space, { samples: 8, seed });
			const values = noise(8, seed).map(({ z }) => Number(z));
			const intervals = bootstrapImportances(trials, values, { seed });
			assert.ok(Math.max(...intervals.map(({ low }) => low)) <= Math.min(...intervals.map(({ high }) => high)));
		}
	});

	test("with 200 trials the only hyperparameter that matters is above the others", () => {
		const trials = trialsOf(space, { samples: 200, seed: 1 });
		const shift = noise(200, 1).map(({ z }) => 0.5 * Number(z));
		const values = trials.map(({ dropout }, i) => (Number(dropout) - 0.3) ** 2 * 10 + shift[i]);
		const intervals = bootstrapImportances(trials, values, { nResamples: 20 });
		const [best, ...others] = [...intervals].sort((a, b) => b.importance - a.importance);
		assert.equal(best.parameter, "dropout");
		for (const { parameter, high } of others) assert.ok(best.low > high, `${parameter}: ${high}, dropout ${best.low}`);
	});

	test("importances are those of parameterImportances, in the order of the space; a seed repeats the interval", () => {
		const trials = trialsOf(space, { samples: 30, seed: 2 });
		const values = trials.map(({ learningRate }) => Math.log10(Number(learningRate)) ** 2);
		const intervals = bootstrapImportances(trials, values);
		assert.deepEqual(
			intervals.map(({ parameter }) => parameter),
			Object.keys(space),
		);
		for (const { parameter, importance } of parameterImportances(trials, values)) {
			const interval = intervals.find((one) => one.parameter === parameter);
			assert.equal(interval?.importance, importance);
			assert.ok(interval && interval.low <= importance && importance <= interval.high);
		}
		assert.deepEqual(bootstrapImportances(trials, values), intervals);
	});

	test("has no interval where most resamples hold trials of one value only", () => {
		const trials = [{ dropout: 0 }, { dropout: 1 }];
		const message = /cannot compute importances from 2 trials/;
		assert.throws(() => bootstrapImportances(trials, [1, 1]), message);
		const same = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2];
		const [{ importance, low }] = bootstrapImportances(
			same.map((_, i) => ({ dropout: i })),
			same,
		);
		assert.ok(importance === 1 && (low === 1 || Number.isNaN(low)));
	});
});
