// Out-of-fold probabilities: each image predicted by a model that has not seen it.
import { sourceGroups, stratifiedGroupKFold } from "../datasets/sampling";
import type { LabelledFile } from "../datasets/types";
import { checkInterrupt } from "../support/kernel";

/**
 * Trains a model on some files and predicts others.
 *
 * @param seed random seed, another one for each fold
 * @returns probabilities `[files of test][classes]`
 */
export type Fit = (train: LabelledFile[], test: LabelledFile[], seed: number) => Promise<number[][]>;

export interface OutOfFoldOptions {
	/** Number of folds, 2 or more. Default 5. */
	nSplits?: number;
	/** Random seed of the folds and of `fit`. Default: random. */
	seed?: number;
	/** Sets of paths that look alike, such as the duplicates that `findIssues` finds: each stays in one fold. Default: none. */
	lookAlikes?: string[][];
	/** Names of the classes, for messages. Default: their labels. */
	classNames?: string[];
	/** Called when a fold is predicted. Default: nothing. */
	onFold?: (done: number, folds: number) => void;
}

/**
 * Computes out-of-fold probabilities: `sklearn.model_selection.cross_val_predict(method="predict_proba")` over
 * `StratifiedGroupKFold`. Files of one source (see `sourceGroups`) stay in one fold: a model would recognize a copy.
 *
 * @param files each with its label; what `findLabelIssues` takes as labels
 * @param fit trains and predicts: `featureClassifier(…)`, or a function of one's own
 * @returns probabilities `[files][classes]`
 * @throws when a class is missing from the training images of a fold, or `fit` returns no row for each file
 */
export async function outOfFoldProbabilities(
	files: LabelledFile[],
	fit: Fit,
	{ nSplits = 5, seed = Math.floor(Math.random() * 1e6), lookAlikes = [], classNames, onFold }: OutOfFoldOptions = {},
): Promise<number[][]> {
	const labels = files.map(({ label }) => label);
	const groups = sourceGroups(
		files.map(({ path }) => path),
		lookAlikes,
	);
	const folds = stratifiedGroupKFold(labels, groups, { nSplits, shuffle: true, seed });
	const classes = [...new Set(labels)];
	for (const { train } of folds) {
		const present = new Set(train.map((i) => labels[i]));
		const missing = classes.find((label) => !present.has(label));
		if (missing !== undefined) throw lacking(classNames?.[missing] ?? `${missing}`, labels, missing, nSplits);
	}
	const probabilities: number[][] = [];
	for (const [fold, { train, test }] of folds.entries()) {
		await checkInterrupt();
		if (test.length === 0) continue;
		const [seen, unseen] = [train, test].map((part) => part.map((i) => files[i]));
		const rows = await fit(seen, unseen, seed + fold);
		if (rows.length !== test.length)
			throw new Error(`fit returned ${rows.length} rows for ${test.length} files: expected one for each`);
		test.forEach((i, row) => {
			probabilities[i] = rows[row];
		});
		onFold?.(fold + 1, nSplits);
	}
	await checkInterrupt();
	return probabilities;
}

function lacking(name: string, labels: number[], label: number, nSplits: number): Error {
	const images = labels.filter((other) => other === label).length;
	return new Error(
		`a fold of ${nSplits} has no training image of ${name}, which has ${images} in all, some of one source: add images of ${name}, leave the class out, or set a smaller nSplits`,
	);
}
