// ROC and precision–recall curves, AUC, average precision.
import { mean, sum } from "../support/statistics";
import { isTable, labelsOf, type Probabilities, requireProbabilities, requireSameLength } from "./inputs";

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
	const { rows, labels } = requireProbabilities(yTrue, yScore, options.labels);
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
