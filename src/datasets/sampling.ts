// Stratified folds and class weights.
import { shuffled } from "../support/iteration";

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
 * Computes balanced class weights, with which every class contributes the same to the loss:
 * `sklearn.utils.class_weight.compute_class_weight("balanced")`.
 *
 * @param labels the label of each sample
 * @returns for each label `samples / (classes × samples of the class)`, for `classWeight` of `train`
 */
export function computeClassWeight(labels: ArrayLike<number>): Record<number, number> {
	const counts = new Map<number, number>();
	for (const label of Array.from(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
	return Object.fromEntries([...counts].map(([label, count]) => [label, labels.length / (counts.size * count)]));
}
