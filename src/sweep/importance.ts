// Hyperparameter importance by random forest.
import seedrandom from "seedrandom";
import { mean, sum } from "../support/statistics";
import type { Value } from "./space";

const TREES = 64;

/**
 * Computes hyperparameter importances: the mean decrease in impurity in a random forest of 64 regression trees, as
 * Optuna's `MeanDecreaseImpurityImportanceEvaluator`. With fewer than a few dozen trials they are rough estimates.
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
	const names = Object.keys(parameters[0] ?? {}).filter((name) => choicesOf(parameters, name).length > 1);
	const choices = names.map((name) => choicesOf(parameters, name));
	const rows = parameters.map((trial) => names.map((name, i) => numberOf(trial[name], choices[i])));
	const random = seedrandom("forest");
	const trees = Array.from({ length: TREES }, () => {
		const sample = rows.map(() => Math.floor(random() * rows.length));
		return impurityDecreases(
			sample.map((i) => rows[i]),
			sample.map((i) => values[i]),
		);
	});
	// The bootstrap sample of a tree can hold trials of one value only, which leave nothing to split.
	const splitTrees = trees.filter((decreases) => sum(decreases) > 0);
	if (splitTrees.length === 0) {
		throw new Error(
			`cannot compute importances from ${rows.length} trials: expected trials that differ in parameters and in values`,
		);
	}
	return names
		.map((parameter, i) => ({ parameter, importance: mean(splitTrees.map((tree) => tree[i] / sum(tree))) }))
		.sort((a, b) => b.importance - a.importance);
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
