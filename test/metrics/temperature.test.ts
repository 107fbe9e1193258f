import assert from "node:assert/strict";
import { test } from "node:test";
import seedrandom from "seedrandom";
import { expectedCalibrationError, logLoss } from "../../src/metrics/calibration";
import { fitTemperature, withTemperature } from "../../src/metrics/temperature";

/** Labels drawn from calibrated probabilities, which are then sharpened to be overconfident by a factor of three. */
const random = seedrandom("calibration");
const calibratedProbabilities = Array.from({ length: 4000 }, () => {
	const p = random();
	return [p, 1 - p];
});
const yTrue = calibratedProbabilities.map(([p]) => (random() < p ? 0 : 1));
const overconfident = withTemperature(calibratedProbabilities, 1 / 3);

test("the fitted temperature corrects overconfidence", () => {
	const temperature = fitTemperature(yTrue, overconfident);
	assert.ok(Math.abs(temperature - 3) < 0.3, `${temperature}`);
	const calibrated = withTemperature(overconfident, temperature);
	assert.ok(expectedCalibrationError(yTrue, calibrated) < expectedCalibrationError(yTrue, overconfident) / 3);
});

test("no temperature of a grid search fits better", () => {
	const temperature = fitTemperature(yTrue, overconfident);
	const loss = (t: number) => logLoss(yTrue, withTemperature(overconfident, t));
	const grid = Array.from({ length: 200 }, (_, i) => 0.1 * 1.03 ** i);
	assert.ok(grid.every((t) => loss(t) >= loss(temperature)));
});

test("a temperature of 1 changes nothing, and no temperature changes the predicted class", () => {
	const rows = [
		[0.7, 0.2, 0.1],
		[1, 0, 0],
	];
	withTemperature(rows, 1).forEach((row, i) => {
		row.forEach((p, j) => {
			assert.ok(Math.abs(p - rows[i][j]) < 1e-12);
		});
	});
	for (const t of [0.1, 5])
		assert.deepEqual(
			withTemperature(rows, t).map((row) => row.indexOf(Math.max(...row))),
			[0, 0],
		);
});
