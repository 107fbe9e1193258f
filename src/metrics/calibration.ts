// Log loss, Brier score, calibration curve, expected calibration error.
import { binOf, quantile, sum } from "../support/statistics";
import { isTable, type Probabilities, requireProbabilities, requireSameLength } from "./inputs";

/**
 * Computes the log loss (cross-entropy), the mean of −log of the probability of the true class:
 * `sklearn.metrics.log_loss`.
 *
 * Probabilities are clipped to the machine epsilon as there, so that no sample has a loss above 36.04, or 15.94 in a
 * `Float32Array`. For the loss of a network, which is not clipped, see `sparseCategoricalCrossentropy`.
 *
 * @param yTrue true label of each sample
 * @param yProba probabilities, 0–1
 * @param options `labels`: labels of the columns, default 0, 1, 2…
 * @throws when the lengths differ, the probabilities of a sample do not sum to 1, or a label has no column
 */
export function logLoss(
	yTrue: ArrayLike<number>,
	yProba: Probabilities,
	{ labels }: { labels?: number[] } = {},
): number {
	const { rows, labels: classes } = requireProbabilities(yTrue, yProba, labels);
	const epsilon = (isTable(yProba) ? yProba[0] : yProba) instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
	const clipped = (p: number) => Math.min(1 - epsilon, Math.max(epsilon, p));
	return -sum(rows.map((row, i) => Math.log(clipped(row[classes.indexOf(yTrue[i])])))) / rows.length;
}

/**
 * Computes the Brier score, the mean squared error of the probabilities: `sklearn.metrics.brier_score_loss`. With two
 * classes it is the score of the second class, 0–1; with more it is the sum over the classes, 0–2.
 *
 * @param options `labels`: labels of the columns, default 0, 1, 2…
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

/** Calibration curve: one element per non-empty bin in each list. */
export interface CalibrationCurve {
	/** Fraction of the samples of the bin that are of the positive class. */
	probTrue: number[];
	/** Mean predicted probability of the bin. */
	probPred: number[];
	/** Number of samples in the bin. */
	count: number[];
}

/**
 * Computes the calibration curve (reliability diagram) of a class: `sklearn.calibration.calibration_curve`.
 *
 * @param yTrue true label of each sample
 * @param yProb predicted probability of `posLabel` for each sample, 0–1
 * @param options `nBins`: number of bins, default 5; `strategy`: `"uniform"` for bins of equal width, `"quantile"` for
 *   bins of equal size, default `"uniform"`; `posLabel`: label of the positive class, default 1
 * @throws when the lengths differ, or a probability is outside 0–1
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
	const invalid = Array.from(yProb).find((p) => !(p >= 0 && p <= 1));
	if (invalid !== undefined) throw new Error(`yProb has ${invalid}: expected probabilities of 0 to 1`);
	const sorted = Float64Array.from(yProb).sort();
	const edge = (fraction: number) => (strategy === "uniform" ? fraction : quantile(sorted, fraction));
	const innerEdges = Array.from({ length: nBins - 1 }, (_, i) => edge((i + 1) / nBins));
	const bins = Array.from({ length: nBins }, () => ({ count: 0, predicted: 0, hits: 0 }));
	for (let i = 0; i < yProb.length; i++) {
		const bin = bins[binOf(innerEdges, yProb[i])];
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
 * Computes the expected calibration error (Guo et al., ICML 2017): the mean absolute difference between accuracy and
 * confidence over bins of the confidence, 0–1. Confidence is the probability of the predicted class.
 *
 * @param options `nBins`: number of bins, default 15; `labels`: labels of the columns, default 0, 1, 2…
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
