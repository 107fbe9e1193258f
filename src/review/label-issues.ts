// Label errors by confident learning (Northcutt, Jiang & Chuang, JAIR 2021), with cleanlab's answers.
import { labelsOf, type Probabilities, requireProbabilities } from "../metrics/inputs";
import { mean, sum } from "../support/statistics";

/**
 * A score of how likely a label is right: the probability of the label (`"selfConfidence"`), its lead over the most likely
 * other class (`"normalizedMargin"`), or entropy and probability together (`"confidenceWeightedEntropy"`).
 */
export type LabelQualityMethod = "selfConfidence" | "normalizedMargin" | "confidenceWeightedEntropy";

/**
 * Which samples count as label issues. The confident joint says how many labels of each class should be each other class:
 * `"pruneByNoiseRate"` takes so many with the largest margin for that class, `"pruneByClass"` so many of each label with the
 * lowest probability of it, `"both"` those in which both agree, `"confidentLearning"` those that were counted.
 */
export type LabelIssueFilter = "pruneByNoiseRate" | "pruneByClass" | "both" | "confidentLearning";

/** Options of `findLabelIssues`. */
export interface LabelIssueOptions {
	/** Which samples count as label issues. Default `"pruneByNoiseRate"`. */
	filterBy?: LabelIssueFilter;
	/** Score by which the samples are ranked, the worst first. Default null: in the order of the samples. */
	rankedBy?: LabelQualityMethod | null;
}

/** cleanlab's tolerance of comparisons, and its lower bound of what is divided by. */
const TOLERANCE = 1e-6;

/**
 * Computes the confident joint of confident learning: `cleanlab.count.compute_confident_joint`. A sample is counted for the
 * class whose probability reaches the mean probability of that class among samples labelled so; of several classes for the
 * most probable one. Calibrated: each row sums to the number of samples with that label.
 *
 * @param labels given label of each sample, 0 to classes − 1
 * @param predProbs out-of-fold probabilities `[samples][classes]`, 0–1: of a model that has not seen the sample
 * @returns whole numbers `[classes][classes]`, by given label and likely true label
 * @throws when the lengths differ, all labels are the same, or rows are no probabilities
 */
export function confidentJoint(labels: ArrayLike<number>, predProbs: Probabilities): number[][] {
	const rows = checked(labels, predProbs);
	return calibrated(labels, countConfident(labels, rows), rows[0].length);
}

/**
 * Computes a quality score of each label: `cleanlab.rank.get_label_quality_scores`.
 *
 * @param labels given label of each sample, 0 to classes − 1
 * @param predProbs out-of-fold probabilities `[samples][classes]`, 0–1
 * @param options `method`, default `"selfConfidence"`
 * @returns 0 (likely wrong) to 1 for each sample
 * @throws when the lengths differ, all labels are the same, or rows are no probabilities
 */
export function labelQualityScores(
	labels: ArrayLike<number>,
	predProbs: Probabilities,
	{ method = "selfConfidence" }: { method?: LabelQualityMethod } = {},
): number[] {
	const score = SCORES[method];
	if (!score) throw new Error(`method is ${method}: expected ${Object.keys(SCORES).join(", ")}`);
	return checked(labels, predProbs).map((row, i) => score(row, labels[i]));
}

/**
 * Finds label issues, samples whose label is likely wrong: `cleanlab.filter.find_label_issues`. A sample is none if its label
 * is the most probable class.
 *
 * @param labels given label of each sample, 0 to classes − 1
 * @param predProbs out-of-fold probabilities `[samples][classes]`, 0–1: of a model that has not seen the sample
 * @returns indices of the samples
 * @throws when the lengths differ, all labels are the same, or rows are no probabilities
 */
export function findLabelIssues(
	labels: ArrayLike<number>,
	predProbs: Probabilities,
	{ filterBy = "pruneByNoiseRate", rankedBy = null }: LabelIssueOptions = {},
): number[] {
	const rows = checked(labels, predProbs);
	const filter = FILTERS[filterBy];
	if (!filter) throw new Error(`filterBy is ${filterBy}: expected ${Object.keys(FILTERS).join(", ")}`);
	const found = filter(labels, rows);
	// The tolerance is in favour of the given label.
	const isPredicted = (i: number) => argmax(rows[i].map((p, k) => (k === labels[i] ? p + TOLERANCE : p))) === labels[i];
	const issues = [...rows.keys()].filter((i) => found.has(i) && !isPredicted(i));
	if (!rankedBy) return issues;
	const scores = labelQualityScores(labels, rows, { method: rankedBy });
	return issues.sort((a, b) => scores[a] - scores[b]);
}

/** Returns the probabilities as arrays. @throws when they are none, or all labels are the same */
function checked(labels: ArrayLike<number>, predProbs: Probabilities): number[][] {
	const rows = requireProbabilities(labels, predProbs).rows.map((row) => Array.from(row));
	const wrong = rows.findIndex((row) => !row.every((p) => p >= -TOLERANCE && p <= 1 + TOLERANCE));
	if (wrong >= 0)
		throw new Error(`the probabilities of sample ${wrong} are ${rows[wrong].join(", ")}: expected numbers of 0 to 1`);
	const classes = labelsOf(labels);
	if (classes.length > 1) return rows;
	throw new Error(
		`all ${labels.length} labels are ${classes[0]}: expected two classes or more, to find labels that are wrong`,
	);
}

/** The first index of the largest value. */
const argmax = (values: number[]) => values.indexOf(Math.max(...values));

/** Counts the samples by given label and confident class, and lists those where these differ. */
function countConfident(labels: ArrayLike<number>, rows: number[][]) {
	const classes = [...rows[0].keys()];
	const thresholds = classes.map((k) => {
		const own = rows.flatMap((row, i) => (labels[i] === k ? [row[k]] : []));
		return own.length > 0 ? Math.max(mean(own), 2 * TOLERANCE) : Number.POSITIVE_INFINITY;
	});
	const joint = classes.map(() => classes.map(() => 0));
	const offDiagonal = new Set<number>();
	rows.forEach((row, i) => {
		const confident = classes.filter((k) => row[k] >= thresholds[k] - TOLERANCE);
		if (confident.length === 0) return;
		const guess = confident.length > 1 ? argmax(row) : confident[0];
		joint[labels[i]][guess]++;
		if (guess !== labels[i]) offDiagonal.add(i);
	});
	for (const k of classes) joint[k][k] = Math.max(joint[k][k], 1);
	return { joint, offDiagonal };
}

/** Scales the rows of a joint to the numbers of labels, and rounds to whole numbers with the same sums. */
function calibrated(labels: ArrayLike<number>, { joint }: { joint: number[][] }, classes: number): number[][] {
	const counts = Array.from({ length: classes }, () => 0);
	for (const label of Array.from(labels)) counts[label]++;
	const scaled = joint.map((row, i) => row.map((value) => (value / sum(row)) * counts[i]));
	const total = pairwiseSum(scaled[0].flatMap((_, k) => scaled.map((row) => row[k])));
	return scaled.map((row) => roundPreservingSum(row.map((value) => (value / total) * labels.length)));
}

/** Rounds to whole numbers with the same sum: those that rounding has changed most give way. */
function roundPreservingSum(values: number[]): number[] {
	const rounded = values.map(roundHalfToEven);
	const missing = roundHalfToEven(sum(values)) - sum(rounded);
	const order = [...values.keys()].sort((a, b) => values[a] - rounded[a] - (values[b] - rounded[b]));
	if (missing > 0) order.reverse();
	for (const i of order.slice(0, Math.abs(missing))) rounded[i] += Math.sign(missing);
	return rounded;
}

/** Rounds as NumPy does. */
const roundHalfToEven = (value: number) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

/** Sums in the order in which NumPy does, since a last digit decides how a half is rounded. */
function pairwiseSum(values: number[]): number {
	const { length } = values;
	if (length > 128) {
		const half = 8 * Math.floor(length / 16);
		return pairwiseSum(values.slice(0, half)) + pairwiseSum(values.slice(half));
	}
	const whole = length - (length % 8);
	if (whole === 0) return sum(values);
	const [a, b, c, d, e, f, g, h] = values
		.slice(0, 8)
		.map((_, j) => sum(values.slice(0, whole).filter((_, i) => i % 8 === j)));
	return sum([a + b + (c + d) + (e + f + (g + h)), ...values.slice(whole)]);
}

type Filter = (labels: ArrayLike<number>, rows: number[][]) => Set<number>;

const FILTERS: Record<LabelIssueFilter, Filter> = {
	pruneByNoiseRate: (labels, rows) => pruned(labels, rows, byNoiseRate),
	pruneByClass: (labels, rows) => pruned(labels, rows, byClass),
	both(labels, rows) {
		const other = pruned(labels, rows, byClass);
		return new Set([...pruned(labels, rows, byNoiseRate)].filter((i) => other.has(i)));
	},
	confidentLearning: (labels, rows) => countConfident(labels, rows).offDiagonal,
};

/** Takes samples of each label, by the row of the confident joint. At least one sample of a class is left. */
function pruned(labels: ArrayLike<number>, rows: number[][], take: typeof byClass): Set<number> {
	const joint = keepingOne(confidentJoint(labels, rows));
	return new Set(
		joint.flatMap((counts, label) => {
			const members = [...rows.keys()].filter((i) => labels[i] === label);
			return members.length > 1 ? take(members, label, counts, rows) : [];
		}),
	);
}

/** Raises the diagonal to one or more, at the cost of the rest of the row. */
const keepingOne = (joint: number[][]) =>
	joint.map((row, label) => {
		const lacking = Math.max(0, 1 - row[label]);
		const others = Math.max(1, row.filter((value) => value !== 0).length - 1);
		return row.map((value, k) => (k === label ? value + lacking : Math.trunc(Math.max(0, value - lacking / others))));
	});

function byClass(members: number[], label: number, counts: number[], rows: number[][]): number[] {
	const order = [...members].sort((a, b) => rows[a][label] - rows[b][label]);
	return order.slice(0, Math.max(0, members.length - counts[label]));
}

function byNoiseRate(members: number[], label: number, counts: number[], rows: number[][]): number[] {
	return counts.flatMap((count, k) => {
		if (k === label) return [];
		const margin = (i: number) => rows[i][k] - rows[i][label];
		return [...members].sort((a, b) => margin(b) - margin(a)).slice(0, count);
	});
}

const SCORES: Record<LabelQualityMethod, (row: number[], label: number) => number> = {
	selfConfidence: (row, label) => row[label],
	normalizedMargin: (row, label) => (row[label] - Math.max(...row.filter((_, k) => k !== label)) + 1) / 2,
	confidenceWeightedEntropy(row, label) {
		const entropy = -sum(row.map((p) => (p > 0 ? p * Math.log(p) : 0))) / Math.log(row.length);
		const weighted = entropy / Math.max(row[label], TOLERANCE);
		return Math.log(weighted + 1) / Math.max(weighted, TOLERANCE);
	},
};
