// Log loss, Brier score, calibration curve, expected calibration error.
import { binOf, quantile, sum } from "../support/statistics";
import { type Probabilities, requireProbabilities, requireSameLength } from "./inputs";

/**
 * The mean of −log of the probability that the true class was given, the cross-entropy: `sklearn.metrics.log_loss`.
 *
 * @param options `labels`: the classes that the columns stand for. Default: 0, 1, 2…
 * @throws when a row does not sum to 1, or a label has no column
 */
export function logLoss(
	yTrue: ArrayLike<number>,
	yProba: Probabilities,
	{ labels }: { labels?: number[] } = {},
): number {
	const { rows, labels: classes } = requireProbabilities(yTrue, yProba, labels);
	const clipped = (p: number) => Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, p));
	return -sum(rows.map((row, i) => Math.log(clipped(row[classes.indexOf(yTrue[i])])))) / rows.length;
}

/**
 * The mean squared distance of the probabilities from what came: `sklearn.metrics.brier_score_loss`. Of two classes that
 * of the second class, 0–1; of more the sum over the classes, 0–2.
 *
 * @throws as `logLoss` does
 */
export function brierScoreLoss(
	yTrue: ArrayLike<number>,
	yProba: Probabilities,
	{ labels }: { labels?: number[] } = {},
): number {
	const { rows, labels: classes } = requireProbabilities(yTrue, yProba, labels);
	const total = sum(rows.map((row, i) => sum(Array.from(row, (p, j) => (p - Number(classes[j] === yTrue[i])) ** 2))));
	return total / rows.length / (classes.length === 2 ? 2 : 1);
}

export interface CalibrationCurve {
	/** In each bin that is not empty, the share of samples that are of the class. */
	probTrue: number[];
	/** And the mean of their predicted probabilities. */
	probPred: number[];
	/** How many samples it has. */
	count: number[];
}

/**
 * How often what was predicted with a probability comes true: `sklearn.calibration.calibration_curve`.
 *
 * @param yProb the probability of `posLabel` for each sample, 0–1
 * @param options `nBins`: default 5; `strategy`: bins of the same width or with as many samples each, default
 *   `"uniform"`; `posLabel`: default 1
 * @throws when a probability is not in 0–1
 */
export function calibrationCurve(
	yTrue: ArrayLike<number>,
	yProb: ArrayLike<number>,
	{
		nBins = 5,
		strategy = "uniform",
		posLabel = 1,
	}: { nBins?: number; strategy?: "uniform" | "quantile"; posLabel?: number } = {},
): CalibrationCurve {
	requireSameLength(yTrue, yProb, "yProb");
	const wrong = Array.from(yProb).find((p) => !(p >= 0 && p <= 1));
	if (wrong !== undefined) throw new Error(`yProb has ${wrong}: expected probabilities of 0 to 1`);
	const sorted = Float64Array.from(yProb).sort();
	const edge = (share: number) => (strategy === "uniform" ? share : quantile(sorted, share));
	const inner = Array.from({ length: nBins - 1 }, (_, i) => edge((i + 1) / nBins));
	const bins = Array.from({ length: nBins }, () => ({ count: 0, predicted: 0, hits: 0 }));
	for (let i = 0; i < yProb.length; i++) {
		const bin = bins[binOf(inner, yProb[i])];
		bin.count++;
		bin.predicted += yProb[i];
		bin.hits += Number(yTrue[i] === posLabel);
	}
	const filled = bins.filter(({ count }) => count > 0);
	return {
		probTrue: filled.map(({ hits, count }) => hits / count),
		probPred: filled.map(({ predicted, count }) => predicted / count),
		count: filled.map(({ count }) => count),
	};
}

/**
 * The expected calibration error (Guo et al., ICML 2017): how far the accuracy lies from the confidence, 0–1, on average
 * over bins of the confidence, which is the probability of the predicted class.
 *
 * @param options `nBins`: default 15; `labels`: as for `logLoss`
 * @throws as `logLoss` does
 */
export function expectedCalibrationError(
	yTrue: ArrayLike<number>,
	yProba: Probabilities,
	{ nBins = 15, labels }: { nBins?: number; labels?: number[] } = {},
): number {
	const { rows, labels: classes } = requireProbabilities(yTrue, yProba, labels);
	const confidence = rows.map((row) => Math.max(...Array.from(row)));
	const isRight = rows.map((row, i) => Number(classes[Array.from(row).indexOf(confidence[i])] === yTrue[i]));
	const { probTrue, probPred, count } = calibrationCurve(isRight, confidence, { nBins });
	return sum(probTrue.map((accuracy, i) => (count[i] / rows.length) * Math.abs(accuracy - probPred[i])));
}
