import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { expectedCalibrationError, logLoss } from "../../src/metrics/calibration";
import { sparseCategoricalCrossentropy } from "../../src/metrics/cross-entropy";
import { fitTemperature, withTemperature } from "../../src/metrics/temperature";
import { fixture } from "../helpers";

/** Labels drawn from calibrated probabilities, which are then sharpened to be overconfident by a factor of three. */
const random = seedrandom("calibration");
const calibratedLogits = Array.from({ length: 4000 }, () => {
	const p = random();
	return [Math.log(p), Math.log(1 - p)];
});
const yTrue = calibratedLogits.map(([logP]) => (random() < Math.exp(logP) ? 0 : 1));
const overconfident = calibratedLogits.map((row) => row.map((logit) => 3 * logit));

test("the fitted temperature corrects overconfidence", () => {
	const temperature = fitTemperature(yTrue, overconfident);
	assert.ok(Math.abs(temperature - 3) < 0.3, `${temperature}`);
	const errorAt = (t: number) => expectedCalibrationError(yTrue, withTemperature(overconfident, t));
	assert.ok(errorAt(temperature) < errorAt(1) / 3);
});

test("no temperature of a grid search fits better", () => {
	const temperature = fitTemperature(yTrue, overconfident);
	const loss = (t: number) => logLoss(yTrue, withTemperature(overconfident, t));
	const grid = Array.from({ length: 200 }, (_, i) => 0.1 * 1.03 ** i);
	assert.ok(grid.every((t) => loss(t) >= loss(temperature)));
});

test("a temperature of 1 gives the probabilities, and no temperature changes the predicted class", () => {
	const rows = [
		[0.7, 0.2, 0.1],
		[1, 0, 0],
	];
	const logits = rows.map((row) => row.map(Math.log));
	withTemperature(logits, 1).forEach((row, i) => {
		row.forEach((p, j) => {
			assert.ok(Math.abs(p - rows[i][j]) < 1e-12);
		});
	});
	for (const t of [0.1, 5])
		assert.deepEqual(
			withTemperature(logits, t).map((row) => row.indexOf(Math.max(...row))),
			[0, 0],
		);
});

type Recorded = {
	yTrue: number[];
	logits: number[][];
	losses: number[];
	lossesAt3: number[];
	probabilitiesAt3: number[][];
	temperature: number;
};

describe("losses, probabilities and the fitted temperature equal SciPy's", () => {
	fixture<{ logits: Recorded[] }>("metrics").logits.forEach(({ yTrue, logits, ...expected }, i) => {
		test(`case ${i}`, () => {
			const close = (actual: number[], wanted: number[]) =>
				actual.forEach((value, k) => {
					assert.ok(Math.abs(value - wanted[k]) <= 1e-12 * Math.max(1, wanted[k]), `${value}, not ${wanted[k]}`);
				});
			close(sparseCategoricalCrossentropy(yTrue, logits), expected.losses);
			close(sparseCategoricalCrossentropy(yTrue, logits, { temperature: 3 }), expected.lossesAt3);
			close(withTemperature(logits, 3).flat(), expected.probabilitiesAt3.flat());
			assert.ok(Math.abs(fitTemperature(yTrue, logits) / expected.temperature - 1) < 1e-6);
		});
	});
});

describe("the loss of confident mistakes", () => {
	const logits = [
		[0, -200, -300],
		[0, -250, -100],
		[-1e4, 0, -1e4],
	];

	test("is not clipped, at any temperature", () => {
		assert.deepEqual(sparseCategoricalCrossentropy([1, 1, 1], logits), [200, 250, 0]);
		const losses = sparseCategoricalCrossentropy([1, 1, 1], logits, { temperature: 5 });
		[40, 50, 0].forEach((loss, i) => {
			assert.ok(Math.abs(losses[i] - loss) < 1e-6);
		});
	});

	test("is the lower the higher the temperature, up to the highest", () => {
		assert.ok(Math.abs(fitTemperature([1, 1, 1], logits) - 20) < 1e-6);
	});

	test("is that of logits moved by any number", () => {
		const moved = logits.map((row, i) => row.map((logit) => logit + 100 * i - 50));
		const losses = sparseCategoricalCrossentropy([1, 2, 0], moved);
		[200, 100, 1e4].forEach((loss, i) => {
			assert.ok(Math.abs(losses[i] - loss) < 1e-9);
		});
	});

	test("tells apart losses that the probabilities round to 0", () => {
		const [a, b] = sparseCategoricalCrossentropy(
			[0, 0],
			[
				[0, -50],
				[0, -60],
			],
		);
		assert.ok(Math.abs(a / Math.exp(-50) - 1) < 1e-12 && Math.abs(b / Math.exp(-60) - 1) < 1e-12);
	});
});

test("what are no logits is an error that says what they are", () => {
	const probabilities = [
		[0.7, 0.3],
		[1, 0],
	];
	for (const call of [
		() => fitTemperature([0, 1], probabilities),
		() => withTemperature(probabilities, 2),
		() => sparseCategoricalCrossentropy([0, 1], probabilities),
	]) {
		assert.throws(call, /the rows are probabilities: expected logits, or logarithms such as logProbabilities/);
	}
	const loss = (labels: number[], logits: number[][]) => () => sparseCategoricalCrossentropy(labels, logits);
	assert.throws(loss([0], [[Number.NaN, 0]]), /the logits of sample 0 are NaN, 0: expected numbers/);
	assert.throws(loss([0], [[Number.POSITIVE_INFINITY, 0]]), /sample 0 are Infinity, 0/);
	assert.throws(loss([2], [[-1, 0]]), /yTrue has the label 2 for sample 0, but the logits have 2 columns/);
	assert.throws(loss([0, 1], [[-1, 0]]), /yTrue has 2 labels and logits 1/);
	assert.throws(() => fitTemperature([0], [[Number.NEGATIVE_INFINITY, 0]]), /sample 0 has the logit -Infinity/);
});
