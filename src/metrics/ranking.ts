// ROC and precision–recall curves, AUC, average precision.
import { mean, sum } from "../support/statistics";
import { isTable, labelsOf, type Probabilities, requireProbabilities, requireSameLength } from "./inputs";

/** ROC curve: one element per threshold in each list. */
export interface RocCurve {
	/** False positive rate: fraction of the negative samples whose score reaches the threshold. */
	fpr: number[];
	/** True positive rate: fraction of the positive samples whose score reaches the threshold. */
	tpr: number[];
	/** Decreasing thresholds; the first is `Infinity`, which no score reaches. */
	thresholds: number[];
}

/**
 * Computes the receiver operating characteristic (ROC) curve: `sklearn.metrics.roc_curve`.
 *
 * @param yTrue true label of each sample
 * @param yScore score of each sample, higher for `posLabel`
 * @param options `posLabel`: label of the positive class, default 1; `dropIntermediate`: whether to drop collinear
 *   points, default true
 * @returns the curve; `tpr` is `NaN` without positive samples, `fpr` without negative ones
 * @throws when the lengths differ, or a score is `NaN`
 */
export function rocCurve(
	yTrue: ArrayLike<number>,
	yScore: ArrayLike<number>,
	{ posLabel = 1, dropIntermediate = true } = {},
): RocCurve {
	let { tps, fps, thresholds } = cumulativeCounts(yTrue, yScore, posLabel);
	if (dropIntermediate && tps.length > 2) {
		const bends = (values: number[], i: number) => values[i + 1] - 2 * values[i] + values[i - 1] !== 0;
		const keep = tps.map((_, i) => i === 0 || i === tps.length - 1 || bends(tps, i) || bends(fps, i));
		[tps, fps, thresholds] = [tps, fps, thresholds].map((list) => list.filter((_, i) => keep[i]));
	}
	const rates = (counts: number[]) => [0, ...counts].map((count) => count / counts[counts.length - 1]);
	return { fpr: rates(fps), tpr: rates(tps), thresholds: [Number.POSITIVE_INFINITY, ...thresholds] };
}

/**
 * Computes the area under a curve by the trapezoidal rule: `sklearn.metrics.auc`.
 *
 * @param x coordinates in ascending or descending order
 */
export function auc(x: ArrayLike<number>, y: ArrayLike<number>): number {
	let area = 0;
	for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2;
	return x.length > 1 && x[x.length - 1] < x[0] ? -area : area;
}

export interface RocAucOptions {
	/** Averaging over the classes or pairs: plain mean, or mean weighted by prevalence. Default `"macro"`. */
	average?: "macro" | "weighted";
	/** One-vs-rest or one-vs-one (Hand and Till, 2001); required for more than two classes. Default: none. */
	multiClass?: "ovr" | "ovo";
	/** Labels of the columns. Default: 0, 1, 2… */
	labels?: number[];
}

/**
 * Computes the area under the ROC curve (AUC), the probability that a positive sample has a higher score than a negative
 * one: `sklearn.metrics.roc_auc_score`.
 *
 * @param yTrue true label of each sample
 * @param yScore probabilities `[samples][classes]`, or of two classes scores `[samples]` of the greater label
 * @returns 0–1, where 0.5 is chance; `NaN` when all samples are of one class
 * @throws when the lengths differ, rows do not sum to 1, or `multiClass` is missing for more than two classes
 */
export function rocAucScore(yTrue: ArrayLike<number>, yScore: Probabilities, options: RocAucOptions = {}): number {
	const { average = "macro", multiClass } = options;
	if (!isTable(yScore)) return binaryAuc(Array.from(yTrue), yScore, Math.max(...labelsOf(yTrue)));
	const { rows, labels } = requireProbabilities(yTrue, yScore, options.labels);
	const column = (j: number) => rows.map((row) => row[j]);
	if (labels.length === 2) return binaryAuc(Array.from(yTrue), column(1), labels[1]);
	if (!multiClass) throw new Error(`there are ${labels.length} classes: choose multiClass "ovr" or "ovo"`);
	const frequency = labels.map((label) => Array.from(yTrue).filter((value) => value === label).length / yTrue.length);
	if (multiClass === "ovr") {
		const areas = labels.map((label, j) => binaryAuc(Array.from(yTrue), column(j), label));
		return mean(areas, average === "weighted" ? frequency : undefined);
	}
	const pairs = labels.flatMap((_, a) => labels.slice(a + 1).map((_, b) => [a, a + 1 + b] as const));
	return mean(
		pairs.map((pair) => pairAuc(yTrue, rows, labels, pair)),
		pairs.map(([a, b]) => (average === "weighted" ? frequency[a] + frequency[b] : 1)),
	);
}

/** Computes the AUC of the samples of two classes, averaged over both as the positive one. */
function pairAuc(
	yTrue: ArrayLike<number>,
	rows: ArrayLike<number>[],
	labels: number[],
	[a, b]: readonly [number, number],
): number {
	const samples = rows.flatMap((row, i) =>
		[labels[a], labels[b]].includes(yTrue[i]) ? [{ row, label: yTrue[i] }] : [],
	);
	const area = (j: number) =>
		binaryAuc(
			samples.map(({ label }) => label),
			samples.map(({ row }) => row[j]),
			labels[j],
		);
	return (area(a) + area(b)) / 2;
}

function binaryAuc(yTrue: number[], yScore: ArrayLike<number>, posLabel: number): number {
	if (new Set(yTrue).size < 2) return Number.NaN;
	const { fpr, tpr } = rocCurve(yTrue, yScore, { posLabel });
	return auc(fpr, tpr);
}

/** Precision–recall curve: one element per threshold, and the end point of precision and recall. */
export interface PrecisionRecallCurve {
	/** Precision at each threshold, then 1. */
	precision: number[];
	/** Recall at each threshold, then 0. */
	recall: number[];
	/** Increasing thresholds; a sample is predicted positive when its score reaches the threshold. */
	thresholds: number[];
}

/**
 * Computes the precision–recall curve: `sklearn.metrics.precision_recall_curve`.
 *
 * @param yTrue true label of each sample
 * @param yScore score of each sample, higher for `posLabel`
 * @param options `posLabel`: label of the positive class, default 1
 * @throws when the lengths differ, or a score is `NaN`
 */
export function precisionRecallCurve(
	yTrue: ArrayLike<number>,
	yScore: ArrayLike<number>,
	{ posLabel = 1 } = {},
): PrecisionRecallCurve {
	const { tps, fps, thresholds } = cumulativeCounts(yTrue, yScore, posLabel);
	const positives = tps[tps.length - 1];
	return {
		precision: [...tps.map((tp, i) => tp / (tp + fps[i])).reverse(), 1],
		recall: [...tps.map((tp) => (positives === 0 ? 1 : tp / positives)).reverse(), 0],
		thresholds: [...thresholds].reverse(),
	};
}

/**
 * Computes the average precision, the mean of the precisions weighted by the increase in recall:
 * `sklearn.metrics.average_precision_score`. With more than two classes it is the mean over the classes.
 *
 * @param yTrue true label of each sample
 * @param yScore probabilities `[samples][classes]`, or scores `[samples]` of `posLabel`
 * @param options `posLabel`: label of the positive class, default 1; `labels`: labels of the columns, default 0, 1, 2…
 * @throws when the lengths differ, a score is `NaN`, or rows do not sum to 1
 */
export function averagePrecisionScore(
	yTrue: ArrayLike<number>,
	yScore: Probabilities,
	{ posLabel = 1, labels }: { posLabel?: number; labels?: number[] } = {},
): number {
	if (isTable(yScore)) {
		const { rows, labels: classes } = requireProbabilities(yTrue, yScore, labels);
		const column = (j: number) => rows.map((row) => row[j]);
		if (classes.length === 2) return averagePrecisionScore(yTrue, column(1), { posLabel: classes[1] });
		const scores = classes.map((label, j) => averagePrecisionScore(yTrue, column(j), { posLabel: label }));
		return mean(scores);
	}
	if (!Array.from(yTrue).includes(posLabel)) return 0;
	const { precision, recall } = precisionRecallCurve(yTrue, yScore, { posLabel });
	return sum(recall.slice(1).map((value, i) => (recall[i] - value) * precision[i]));
}

/** Counts the true and false positives at each distinct score, in descending order. */
function cumulativeCounts(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, posLabel: number) {
	requireSameLength(yTrue, yScore, "yScore");
	const scores = Float64Array.from(yScore);
	if (scores.some(Number.isNaN)) throw new Error("yScore has NaN: expected a number for each sample");
	const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
	const [tps, fps, thresholds]: number[][] = [[], [], []];
	let positives = 0;
	order.forEach((sample, i) => {
		positives += Number(yTrue[sample] === posLabel);
		if (scores[order[i + 1]] === scores[sample]) return;
		tps.push(positives);
		fps.push(i + 1 - positives);
		thresholds.push(scores[sample]);
	});
	return { tps, fps, thresholds };
}
