// Hyperparameter importance by random forest, with bootstrap intervals.
import seedrandom from "seedrandom";
import { mean, quantile, sum } from "../support/statistics";
import type { Value } from "./space";

const TREES = 64;
// Of each resample; with 64 trees a hundred resamples would take four times as long for nearly the same interval.
const RESAMPLED_TREES = 16;

/** Importance of a hyperparameter, 0–1, with its confidence interval. */
export interface ImportanceInterval {
	parameter: string;
	importance: number;
	/** Bounds of the interval, with `importance` between them; `NaN` where it cannot be computed. */
	low: number;
	high: number;
}

/**
 * Computes hyperparameter importances: the mean decrease in impurity in a random forest of 64 regression trees, as
 * Optuna's `MeanDecreaseImpurityImportanceEvaluator`. With fewer than a few dozen trials they are rough
 * estimates: `bootstrapImportances` has their intervals.
 *
 * @param parameters hyperparameters of each trial; those that are the same in all trials are ignored
 * @param values value of the objective for each trial
 * @returns importances that sum to 1, in descending order
 * @throws when the trials do not differ in both hyperparameters and values
 */
export function parameterImportances(
	parameters: Record<string, Value>[],
	values: number[],
): { parameter: string; importance: number }[] {
	const { names, rows } = encoded(parameters);
	return importancesOf(names, rows, values).sort((a, b) => b.importance - a.importance);
}

/**
 * Computes hyperparameter importances with percentile bootstrap confidence intervals (Efron, 1979) over the trials: each
 * resample draws all trials with replacement and grows a forest of its own. Overlapping intervals do not rank their
 * hyperparameters; those of fewer than 20 trials are too narrow, since resamples repeat the same few trials.
 *
 * @param parameters hyperparameters of each trial; those that are the same in all trials are ignored
 * @param values value of the objective for each trial
 * @param options `nResamples`: number of resamples, default 100; `confidenceLevel`: above 0 and below 1, default 0.95;
 *   `seed`: random seed, default 42
 * @returns importances that sum to 1, in the order of the hyperparameters, so that the order is no ranking; the bounds are
 *   `NaN` when most resamples hold trials of one value only
 * @throws as `parameterImportances` does
 */
export function bootstrapImportances(
	parameters: Record<string, Value>[],
	values: number[],
	{ nResamples = 100, confidenceLevel = 0.95, seed = 42 } = {},
): ImportanceInterval[] {
	const { names, rows } = encoded(parameters);
	const importances = importancesOf(names, rows, values);
	const random = seedrandom(`importances/${seed}`);
	const resampled = Array.from({ length: nResamples }, () => {
		const sample = rows.map(() => Math.floor(random() * rows.length));
		return forest(
			sample.map((i) => rows[i]),
			sample.map((i) => values[i]),
			RESAMPLED_TREES,
			random,
		);
	}).filter((one): one is number[] => one !== null);
	return importances.map(({ parameter, importance }, i) => {
		if (resampled.length <= nResamples / 2) return { parameter, importance, low: Number.NaN, high: Number.NaN };
		const sorted = Float64Array.from(resampled, (each) => each[i]).sort();
		return {
			parameter,
			importance,
			low: Math.min(importance, quantile(sorted, (1 - confidenceLevel) / 2)),
			high: Math.max(importance, quantile(sorted, (1 + confidenceLevel) / 2)),
		};
	});
}

/** Returns the hyperparameters that vary, and their values in each trial as numbers. */
function encoded(parameters: Record<string, Value>[]): { names: string[]; rows: number[][] } {
	const names = Object.keys(parameters[0] ?? {}).filter((name) => choicesOf(parameters, name).length > 1);
	const choices = names.map((name) => choicesOf(parameters, name));
	return { names, rows: parameters.map((trial) => names.map((name, i) => numberOf(trial[name], choices[i]))) };
}

/** @throws when the trials do not differ in both hyperparameters and values */
function importancesOf(names: string[], rows: number[][], values: number[]) {
	const importances = forest(rows, values, TREES, seedrandom("forest"));
	if (importances) return names.map((parameter, i) => ({ parameter, importance: importances[i] }));
	throw new Error(
		`cannot compute importances from ${rows.length} trials: expected trials that differ in parameters and in values`,
	);
}

/** Returns the mean share of each feature in the decreases of a forest's trees; null when no tree has a split. */
function forest(rows: number[][], values: number[], trees: number, random: () => number): number[] | null {
	const decreases = Array.from({ length: trees }, () => {
		const sample = rows.map(() => Math.floor(random() * rows.length));
		return impurityDecreases(
			sample.map((i) => rows[i]),
			sample.map((i) => values[i]),
		);
	});
	// The bootstrap sample of a tree can hold trials of one value only, which leave nothing to split.
	const splitTrees = decreases.filter((tree) => sum(tree) > 0);
	if (splitTrees.length === 0) return null;
	return splitTrees[0].map((_, i) => mean(splitTrees.map((tree) => tree[i] / sum(tree))));
}

const choicesOf = (parameters: Record<string, Value>[], name: string) => [
	...new Set(parameters.map((trial) => trial[name])),
];

/** Encodes categorical values as their index, since trees split numbers. */
const numberOf = (value: Value, choices: Value[]) => (typeof value === "number" ? value : choices.indexOf(value));

/**
 * Grows a full regression tree (CART, Breiman et al. 1984).
 *
 * @param rows features of each sample
 * @param values target of each sample
 * @returns the decrease of the sum of squared errors by the splits on each feature
 */
export function impurityDecreases(rows: number[][], values: number[]): number[] {
	const decreases = (rows[0] ?? []).map(() => 0);
	const grow = (members: number[]) => {
		const split = bestSplit(rows, values, members);
		if (!split) return;
		decreases[split.feature] += split.decrease;
		grow(members.filter((i) => rows[i][split.feature] < split.threshold));
		grow(members.filter((i) => rows[i][split.feature] >= split.threshold));
	};
	grow(rows.map((_, i) => i));
	return decreases;
}

/** A split of the samples by a feature. */
interface Split {
	feature: number;
	threshold: number;
	decrease: number;
}

/** Returns the split that decreases the squared errors most; null when none decreases them. */
function bestSplit(rows: number[][], values: number[], members: number[]): Split | null {
	const total = sum(members.map((i) => values[i]));
	let best: Split | null = null;
	const features = rows[members[0]] ?? [];
	for (const feature of features.keys()) {
		const ordered = [...members].sort((a, b) => rows[a][feature] - rows[b][feature]);
		let below = 0;
		for (let count = 1; count < ordered.length; count++) {
			const [before, next] = [ordered[count - 1], ordered[count]];
			below += values[before];
			const threshold = rows[next][feature];
			if (rows[before][feature] === threshold) continue;
			const others = ordered.length - count;
			// Predicting the mean m of n samples decreases their squared errors by n m², the square of their sum over n.
			const decrease = below ** 2 / count + (total - below) ** 2 / others - total ** 2 / ordered.length;
			if (decrease > Math.max(best?.decrease ?? 0, 1e-12 * total ** 2)) best = { feature, threshold, decrease };
		}
	}
	return best;
}
