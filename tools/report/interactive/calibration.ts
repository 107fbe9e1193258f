// Calibration: whether confidences are what they say, and what a temperature does to them.
import { claim } from "../../../src/display/claims";
import * as metrics from "../../../src/metrics";
import { percent, points } from "../../../src/support/format";
import { mean } from "../../../src/support/statistics";
import { figure, table, text } from "./parts";
import type { Context } from "./recompute";

export function* calibrationParts({ test, valid, confidences, isCorrect, losses, oneSided, resampled }: Context) {
	const { yTrue, probabilities, logProbabilities } = test;
	const temperature = metrics.fitTemperature(valid.yTrue, valid.logProbabilities);
	const scaled = metrics.withTemperature(logProbabilities, temperature);
	const scaledLosses = metrics.sparseCategoricalCrossentropy(yTrue, logProbabilities, { temperature });
	const versions = [
		{ version: "uncalibrated", proba: probabilities, losses },
		{ version: `temperature ${temperature.toFixed(2)}`, proba: scaled, losses: scaledLosses },
	];
	const errors = versions.map(({ proba }) => metrics.expectedCalibrationError(yTrue, proba));
	yield table(
		versions.map(({ version, proba, losses }, i) => ({
			version,
			"mean confidence": mean(proba.map((row) => Math.max(...row))),
			"calibration error": errors[i],
			loss: mean(losses),
			"Brier score": metrics.brierScoreLoss(yTrue, proba),
		})),
	);
	const reliability = versions.map(({ version: name, proba }) => {
		const confidence = proba.map((row) => Math.max(...row));
		const { probPred: x, probTrue: y } = metrics.calibrationCurve(isCorrect, confidence, { nBins: 10 });
		return { name, x, y };
	});
	yield figure({
		data: [...reliability, { name: "calibrated", x: [0, 1], y: [0, 1] }],
		layout: { title: { text: "Reliability diagram" } },
	});
	const gap = resampled((i) => mean(metrics.pick(confidences, i)) - mean(metrics.pick(isCorrect, i)));
	const gain = resampled((i) => mean(metrics.pick(scaledLosses, i)) - mean(metrics.pick(losses, i)));
	yield text(`Mean confidence minus accuracy: ${points(gap.value)} (95 %: ${points(gap.low)} to ${points(gap.high)}).`);
	yield text(`a temperature of ${temperature.toFixed(2)} says that on the validation images`);
	return {
		...{ scaled, validScaled: metrics.withTemperature(valid.logProbabilities, temperature) },
		errors: errors.map(percent),
		isOverconfident: claim("The network is overconfident", gap, { above: 0 }, { unit: "points", reason: oneSided }),
		scalingHelps: claim(
			"Temperature scaling lowers the loss on the test images",
			gain,
			{ below: 0 },
			{ reason: oneSided },
		),
	};
}
