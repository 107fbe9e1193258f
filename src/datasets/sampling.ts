// Stratified folds and class weights.
import { shuffled } from "../support/iteration";

/** The places of the samples to train on, and of those to test on. */
export interface Fold {
	train: number[];
	test: number[];
}

/**
 * Cuts samples into folds with the classes in each as in all: `sklearn.model_selection.StratifiedKFold`. Each sample is
 * in the test part of one fold.
 *
 * @param labels the label of each sample
 * @param options `nSplits`: how many folds, default 5; `shuffle`: whether samples of a class are mixed first, default
 *   false; `seed`: makes that repeatable
 * @throws when each class has fewer samples than there are folds
 */
export function stratifiedKFold(
	labels: ArrayLike<number>,
	{ nSplits = 5, shuffle = false, seed }: { nSplits?: number; shuffle?: boolean; seed?: number } = {},
): Fold[] {
	const classes = [...new Set(Array.from(labels))];
	const members = classes.map((label) => Array.from(labels).flatMap((value, i) => (value === label ? [i] : [])));
	const most = Math.max(0, ...members.map((some) => some.length));
	if (!(nSplits >= 2 && nSplits <= most)) {
		throw new Error(`nSplits is ${nSplits}: expected 2 up to the ${most} samples of the largest class`);
	}
	// Dealt out as cards, class after class, so that folds differ by at most one sample.
	let offset = 0;
	const start = seed ?? Math.random();
	const foldOf = new Uint32Array(labels.length);
	members.forEach((some, k) => {
		const dealt = some.map((_, i) => (offset + i) % nSplits).sort((a, b) => a - b);
		offset += some.length;
		const folds = shuffle ? shuffled(dealt, `${start}/${k}`) : dealt;
		some.forEach((sample, i) => {
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
 * How much each class should count so that all count the same together:
 * `sklearn.utils.class_weight.compute_class_weight("balanced")`. For the `classWeight` of `train`.
 *
 * @returns for each label `samples / (classes × samples of the class)`
 */
export function computeClassWeight(labels: ArrayLike<number>): Record<number, number> {
	const counts = new Map<number, number>();
	for (const label of Array.from(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
	return Object.fromEntries([...counts].map(([label, count]) => [label, labels.length / (counts.size * count)]));
}
