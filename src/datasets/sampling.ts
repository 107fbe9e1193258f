// Stratified folds, groups of images of one source, and class weights.
import { basename, extname } from "node:path";
import { groupBy, shuffled } from "../support/iteration";
import { mean, sum } from "../support/statistics";

/** One fold of a cross-validation. */
export interface Fold {
	/** Indices of the training samples, ascending. */
	train: number[];
	/** Indices of the test samples, ascending. */
	test: number[];
}

/**
 * Splits samples into folds with the same class proportions: `sklearn.model_selection.StratifiedKFold`. Each sample is in the
 * test part of exactly one fold.
 *
 * @param labels the label of each sample
 * @param options `nSplits`: number of folds, default 5; `shuffle`: whether the samples of each class are shuffled first,
 *   default false; `seed`: random seed of the shuffling, default random
 * @throws when `nSplits` is below 2, or above the number of samples of every class
 */
export function stratifiedKFold(
	labels: ArrayLike<number>,
	{ nSplits = 5, shuffle = false, seed }: { nSplits?: number; shuffle?: boolean; seed?: number } = {},
): Fold[] {
	const classes = [...new Set(Array.from(labels))];
	const members = classes.map((label) => Array.from(labels).flatMap((value, i) => (value === label ? [i] : [])));
	const largest = Math.max(0, ...members.map(({ length }) => length));
	if (!(nSplits >= 2 && nSplits <= largest)) {
		throw new Error(`nSplits is ${nSplits}: expected 2 up to the ${largest} samples of the largest class`);
	}
	// Dealt like cards, class after class, so that the sizes of folds differ by at most one sample.
	let offset = 0;
	const start = seed ?? Math.random();
	const foldOf = new Uint32Array(labels.length);
	members.forEach((samples, k) => {
		const dealt = samples.map((_, i) => (offset + i) % nSplits).sort((a, b) => a - b);
		offset += samples.length;
		const folds = shuffle ? shuffled(dealt, `${start}/${k}`) : dealt;
		samples.forEach((sample, i) => {
			foldOf[sample] = folds[i];
		});
	});
	const all = Array.from(foldOf.keys());
	return Array.from({ length: nSplits }, (_, fold) => ({
		train: all.filter((i) => foldOf[i] !== fold),
		test: all.filter((i) => foldOf[i] === fold),
	}));
}

/**
 * Splits samples into folds with nearly the same class proportions, and all samples of a group in one fold:
 * `sklearn.model_selection.StratifiedGroupKFold`. Groups are images of one source, such as one patient or one photograph: in
 * two folds they would let a network recognise the source instead of the class.
 *
 * @param labels the label of each sample
 * @param groups the group of each sample, any number
 * @param options as for `stratifiedKFold`
 * @throws when `nSplits` is below 2, above the number of samples of every class or above the number of groups
 */
export function stratifiedGroupKFold(
	labels: ArrayLike<number>,
	groups: ArrayLike<number>,
	{ nSplits = 5, shuffle = false, seed }: { nSplits?: number; shuffle?: boolean; seed?: number } = {},
): Fold[] {
	const samples = Array.from(labels).map((label, i) => ({ i, label, group: groups[i] }));
	const classes = groupBy(samples, ({ label }) => label).sort(([a], [b]) => a.label - b.label);
	const sizes = classes.map(({ length }) => length);
	const sorted = groupBy(samples, ({ group }) => group).sort(([a], [b]) => a.group - b.group);
	const most = Math.min(sorted.length, Math.max(0, ...sizes));
	if (!(nSplits >= 2 && nSplits <= most)) {
		throw new Error(`nSplits is ${nSplits}: expected 2 up to ${most}, the groups or the samples of the largest class`);
	}
	const countsOf = (members: { label: number }[]) =>
		classes.map(([{ label }]) => members.filter((member) => member.label === label).length);
	const ordered = (shuffle ? shuffled(sorted, `${seed ?? Math.random()}/groups`) : sorted)
		.map((members) => ({ members, counts: countsOf(members) }))
		// Those with the most uneven classes first: single images even out what they leave.
		.sort((a, b) => deviation(b.counts) - deviation(a.counts));
	const folds = Array.from({ length: nSplits }, () => classes.map(() => 0));
	const foldOf = new Uint32Array(labels.length);
	for (const { members, counts } of ordered) {
		const best = mostEvenFold(folds, counts, sizes);
		folds[best] = folds[best].map((count, k) => count + counts[k]);
		for (const { i } of members) foldOf[i] = best;
	}
	return folds.map((_, fold) => ({
		train: samples.flatMap(({ i }) => (foldOf[i] === fold ? [] : [i])),
		test: samples.flatMap(({ i }) => (foldOf[i] === fold ? [i] : [])),
	}));
}

/** Returns the population's standard deviation, NumPy's `std`. */
const deviation = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

/**
 * Returns the fold in which a group keeps the classes most evenly spread over the folds; of equal ones the smallest.
 *
 * @param folds number of samples of each class in each fold so far
 * @param added number of samples of each class in the group
 * @param sizes number of samples of each class in all
 */
function mostEvenFold(folds: number[][], added: number[], sizes: number[]): number {
	let [best, lowest] = [0, Number.POSITIVE_INFINITY];
	folds.forEach((counts, candidate) => {
		const fractions = folds.map((row, fold) =>
			row.map((count, k) => (count + (fold === candidate ? added[k] : 0)) / sizes[k]),
		);
		const spread = mean(sizes.map((_, k) => deviation(fractions.map((row) => row[k]))));
		// NumPy's isclose: what differs by rounding only is equal.
		const isTie = Math.abs(spread - lowest) <= 1e-8 + 1e-5 * lowest;
		if (spread >= lowest && !(isTie && sum(counts) < sum(folds[best]))) return;
		[best, lowest] = [candidate, spread];
	});
	return best;
}

/**
 * Returns the group of each file, for `stratifiedGroupKFold`: files of one source have the same number. A source shows in
 * look-alikes and in names. Files of any folder have the same source if their names differ in a last number after `_` or `-`
 * only and another number is before it: `slide_34_0.jpg` and `slide_34_1.jpg`, not `cat-1.jpg` and `cat-2.jpg`.
 *
 * @param filePaths paths of the files
 * @param lookAlikes sets of paths that look alike, such as the duplicates that `findIssues` finds. Default: none
 */
export function sourceGroups(filePaths: string[], lookAlikes: string[][] = []): number[] {
	const parents = filePaths.map((_, i) => i);
	const root = (i: number): number => (parents[i] === i ? i : root(parents[i]));
	const unite = (members: number[]) => {
		for (const i of members.slice(1)) parents[root(i)] = root(members[0]);
	};
	const sources = groupBy([...parents], (i) => sourceName(filePaths[i]) ?? `/${i}`);
	// A number that most names share is a year or a camera, not a source.
	for (const members of sources) if (members.length <= Math.max(4, filePaths.length / 20)) unite(members);
	const indices = new Map(filePaths.map((path, i) => [path, i]));
	for (const paths of lookAlikes) unite(paths.flatMap((path) => indices.get(path) ?? []));
	return parents.map((_, i) => root(i));
}

function sourceName(path: string): string | null {
	const [, source] = /^(.*\d.*?)[_-]\d+$/.exec(basename(path, extname(path))) ?? [];
	return source ?? null;
}

/**
 * Computes balanced class weights, with which every class contributes the same to the loss:
 * `sklearn.utils.class_weight.compute_class_weight("balanced")`.
 *
 * @param labels the label of each sample
 * @returns for each label `samples / (classes × samples of the class)`, for `classWeight` of `train`
 */
export function computeClassWeight(labels: ArrayLike<number>): Record<number, number> {
	const classes = groupBy(Array.from(labels), (label) => label);
	return Object.fromEntries(classes.map(({ 0: label, length }) => [label, labels.length / (classes.length * length)]));
}

/**
 * Returns the label of the positive class: the one whose detection matters, such as the damaged or the diseased.
 *
 * @param data the training data
 * @param name name of the class. Default: the rarest in the data; of equally rare ones the last, as in scikit-learn
 * @throws when there is no class of this name
 */
export function positiveLabel(
	{ classNames, labels }: { classNames: string[]; labels: ArrayLike<number> },
	name = "",
): number {
	if (name) {
		const label = classNames.indexOf(name.normalize("NFC"));
		if (label >= 0) return label;
		throw new Error(`there is no class ${name}: expected one of ${classNames.join(", ")}`);
	}
	const counts = classNames.map((_, label) => Array.from(labels).filter((other) => other === label).length);
	return counts.lastIndexOf(Math.min(...counts));
}
