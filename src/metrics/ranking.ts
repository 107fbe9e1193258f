// How good predicted probabilities are, in scikit-learn's words and numbers: ranking, sharpness, calibration.
import { binOf, mean, quantile, sum } from "../support/statistics";
import { labelsOf, requireSameLength } from "./inputs";

/** A probability for each class of each sample, `[samples][classes]`, or of two classes that of the second. */
export type Probabilities = ArrayLike<number> | ArrayLike<number>[];

/** Steps of a threshold; each list has one element for each. */
export interface RocCurve {
	/** The share of the other samples that are above the threshold. */
	fpr: number[];
	/** The share of the samples of `posLabel` that are above the threshold. */
	tpr: number[];
	/** From `Infinity`, above which no sample is, down. */
	thresholds: number[];
}

/**
 * The receiver operating characteristic: `sklearn.metrics.roc_curve`.
 *
 * @param yTrue the true labels
 * @param yScore a number for each sample, greater if it is more likely of class `posLabel`
 * @param options `posLabel`: default 1; `dropIntermediate`: whether to leave out points on a straight line, default true
 * @returns `NaN` in `tpr` (in `fpr`) if no (if each) sample is of `posLabel`
 */
export function rocCurve(
	yTrue: ArrayLike<number>,
	yScore: ArrayLike<number>,
	{ posLabel = 1, dropIntermediate = true } = {},
): RocCurve {
	let { hits, alarms, thresholds } = cumulated(yTrue, yScore, posLabel);
	if (dropIntermediate && hits.length > 2) {
		const bends = (values: number[], i: number) => values[i + 1] - 2 * values[i] + values[i - 1] !== 0;
		const keep = hits.map((_, i) => i === 0 || i === hits.length - 1 || bends(hits, i) || bends(alarms, i));
		[hits, alarms, thresholds] = [hits, alarms, thresholds].map((list) => list.filter((_, i) => keep[i]));
	}
	const share = (counts: number[]) => [0, ...counts].map((count) => count / counts[counts.length - 1]);
	return { fpr: share(alarms), tpr: share(hits), thresholds: [Number.POSITIVE_INFINITY, ...thresholds] };
}

/** The area below a curve by the trapezoidal rule: `sklearn.metrics.auc`. `x` must go up, or down. */
export function auc(x: ArrayLike<number>, y: ArrayLike<number>): number {
	let area = 0;
	for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2;
	return x.length > 1 && x[x.length - 1] < x[0] ? -area : area;
}

export interface RocAucOptions {
	/** The mean of the classes or pairs, plain or weighted by how frequent they are. Default `"macro"`. */
	average?: "macro" | "weighted";
	/** More than two classes: each against the rest, or each against each (Hand and Till, 2001). Default: neither is chosen. */
	multiClass?: "ovr" | "ovo";
	/** The classes that the columns stand for. Default: 0, 1, 2… */
	labels?: number[];
}

/**
 * The area below the ROC curve: how often a sample of the class has a greater score than one of another class.
 * `sklearn.metrics.roc_auc_score`.
 *
 * @returns 0.5 by chance, up to 1; `NaN` if all samples are of one class
 * @throws for more than two classes, if `multiClass` is missing or rows do not sum to 1
 */
export function rocAucScore(yTrue: ArrayLike<number>, yScore: Probabilities, options: RocAucOptions = {}): number {
	const { average = "macro", multiClass } = options;
	if (!isTable(yScore)) return binaryAuc(Array.from(yTrue), yScore, Math.max(...labelsOf(yTrue)));
	const { rows, labels } = checked(yTrue, yScore, options.labels);
	const column = (j: number) => rows.map((row) => row[j]);
	if (labels.length === 2) return binaryAuc(Array.from(yTrue), column(1), labels[1]);
	if (!multiClass) throw new Error(`there are ${labels.length} classes: choose multiClass "ovr" or "ovo"`);
	const frequency = labels.map((label) => Array.from(yTrue).filter((value) => value === label).length / yTrue.length);
	if (multiClass === "ovr") {
		const areas = labels.map((label, j) => binaryAuc(Array.from(yTrue), column(j), label));
		return mean(areas, average === "weighted" ? frequency : undefined);
	}
	const pairs = labels.flatMap((_, a) => labels.slice(a + 1).map((_, b) => [a, a + 1 + b]));
	const areas = pairs.map(([a, b]) => {
		const some = rows.flatMap((row, i) =>
			[labels[a], labels[b]].includes(yTrue[i]) ? [{ row, label: yTrue[i] }] : [],
		);
		const area = (j: number) =>
			binaryAuc(
				some.map(({ label }) => label),
				some.map(({ row }) => row[j]),
				labels[j],
			);
		return (area(a) + area(b)) / 2;
	});
	return mean(
		areas,
		pairs.map(([a, b]) => (average === "weighted" ? frequency[a] + frequency[b] : 1)),
	);
}

function binaryAuc(yTrue: number[], yScore: ArrayLike<number>, posLabel: number): number {
	if (new Set(yTrue).size < 2) return Number.NaN;
	const { fpr, tpr } = rocCurve(yTrue, yScore, { posLabel });
	return auc(fpr, tpr);
}

export interface PrecisionRecallCurve {
	/** For each threshold, and 1 at the end. */
	precision: number[];
	/** For each threshold, and 0 at the end. */
	recall: number[];
	/** Going up; a sample counts as of the class if its score is as great. */
	thresholds: number[];
}

/**
 * Precision and recall for each threshold: `sklearn.metrics.precision_recall_curve`.
 *
 * @param yScore a number for each sample, greater if it is more likely of class `posLabel`
 * @param options `posLabel`: default 1
 */
export function precisionRecallCurve(
	yTrue: ArrayLike<number>,
	yScore: ArrayLike<number>,
	{ posLabel = 1 } = {},
): PrecisionRecallCurve {
	const { hits, alarms, thresholds } = cumulated(yTrue, yScore, posLabel);
	const all = hits[hits.length - 1];
	return {
		precision: [...hits.map((hit, i) => hit / (hit + alarms[i])).reverse(), 1],
		recall: [...hits.map((hit) => (all === 0 ? 1 : hit / all)).reverse(), 0],
		thresholds: [...thresholds].reverse(),
	};
}

/**
 * The mean of the precision over the steps of the recall: `sklearn.metrics.average_precision_score`, for more than two
 * classes the mean of them.
 *
 * @param options `posLabel`: the class that the scores of two classes are of, default 1
 */
export function averagePrecisionScore(
	yTrue: ArrayLike<number>,
	yScore: Probabilities,
	{ posLabel = 1, labels }: { posLabel?: number; labels?: number[] } = {},
): number {
	if (isTable(yScore)) {
		const { rows, labels: classes } = checked(yTrue, yScore, labels);
		const column = (j: number) => rows.map((row) => row[j]);
		if (classes.length === 2) return averagePrecisionScore(yTrue, column(1), { posLabel: classes[1] });
		const scores = classes.map((label, j) => averagePrecisionScore(yTrue, column(j), { posLabel: label }));
		return mean(scores);
	}
	if (!Array.from(yTrue).includes(posLabel)) return 0;
	const { precision, recall } = precisionRecallCurve(yTrue, yScore, { posLabel });
	return sum(recall.slice(1).map((value, i) => (recall[i] - value) * precision[i]));
}

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
	const { rows, labels: classes } = checked(yTrue, yProba, labels);
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
	const { rows, labels: classes } = checked(yTrue, yProba, labels);
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
	const { rows, labels: classes } = checked(yTrue, yProba, labels);
	const confidence = rows.map((row) => Math.max(...Array.from(row)));
	const isRight = rows.map((row, i) => Number(classes[Array.from(row).indexOf(confidence[i])] === yTrue[i]));
	const { probTrue, probPred, count } = calibrationCurve(isRight, confidence, { nBins });
	return sum(probTrue.map((accuracy, i) => (count[i] / rows.length) * Math.abs(accuracy - probPred[i])));
}

/** For each distinct score, from the greatest down: how many samples of the class, and others, are at least as great. */
function cumulated(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, posLabel: number) {
	requireSameLength(yTrue, yScore, "yScore");
	const scores = Float64Array.from(yScore);
	if (scores.some(Number.isNaN)) throw new Error("yScore has NaN: expected a number for each sample");
	const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
	const [hits, alarms, thresholds]: number[][] = [[], [], []];
	let hit = 0;
	order.forEach((sample, i) => {
		hit += Number(yTrue[sample] === posLabel);
		if (scores[order[i + 1]] === scores[sample]) return;
		hits.push(hit);
		alarms.push(i + 1 - hit);
		thresholds.push(scores[sample]);
	});
	return { hits, alarms, thresholds };
}

const isTable = (values: Probabilities): values is ArrayLike<number>[] => typeof values[0] !== "number";

/** Probabilities as rows with a column for each class. */
function checked(yTrue: ArrayLike<number>, yProba: Probabilities, given?: number[]) {
	requireSameLength(yTrue, yProba, "probabilities");
	const rows = isTable(yProba) ? yProba : Array.from(yProba, (p) => [1 - p, p]);
	const labels = given ?? Array.from(rows[0], (_, i) => i);
	if (labels.length !== rows[0].length) {
		throw new Error(`${labels.length} labels (${labels.join(", ")}) for ${rows[0].length} columns of probabilities`);
	}
	const stranger = labelsOf(yTrue).find((label) => !labels.includes(label));
	if (stranger !== undefined) {
		throw new Error(`yTrue has the label ${stranger}, but the probabilities are of ${labels.join(", ")}`);
	}
	rows.forEach((row, i) => {
		const total = sum(Array.from(row));
		// Single precision is enough: networks compute in it.
		if (!(Math.abs(total - 1) < 1e-3)) throw new Error(`the probabilities of sample ${i} sum to ${total}: expected 1`);
	});
	return { rows, labels };
}
