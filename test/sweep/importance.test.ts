import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "../../src/support/statistics";
import { impurityDecreases, parameterImportances } from "../../src/sweep/importance";
import type { Value } from "../../src/sweep/space";
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
