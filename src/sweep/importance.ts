// Hyperparameter importance by random forest.
import seedrandom from "seedrandom";
import { mean, sum } from "../support/statistics";
import type { Value } from "./space";

const TREES = 64;

/**
 * The share of each hyperparameter in what a forest of 64 regression trees explains: the mean decrease in impurity, as
 * Optuna's `MeanDecreaseImpurityImportanceEvaluator`. With fewer than some dozens of trials it is a hint, no more.
 *
 * @param parameters of each trial; those that are the same in all of them are left out
 * @param values the trials' values of the objective
 * @returns shares of 1, from the greatest to the least
 * @throws when no parameter or no value differs from another
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
		const drawn = rows.map(() => Math.floor(random() * rows.length));
		return impurityDecreases(
			drawn.map((i) => rows[i]),
			drawn.map((i) => values[i]),
		);
	});
	// A tree that drew one trial only, time and again, has nothing to say.
	const telling = trees.filter((decreases) => sum(decreases) > 0);
	if (telling.length === 0) throw new Error("what matters shows only in trials with different parameters and values");
	return names
		.map((parameter, i) => ({ parameter, importance: mean(telling.map((tree) => tree[i] / sum(tree))) }))
		.sort((a, b) => b.importance - a.importance);
}

const choicesOf = (parameters: Record<string, Value>[], name: string) => [
	...new Set(parameters.map((trial) => trial[name])),
];

/** Trees cut ranges in two: what is no number stands in the order in which it came. */
const numberOf = (value: Value, choices: Value[]) => (typeof value === "number" ? value : choices.indexOf(value));

/**
 * Grows a regression tree to its leaves (CART, Breiman et al. 1984).
 *
 * @param rows the features of each sample
 * @returns how much the cuts in each feature lessen the sum of squared errors
 */
export function impurityDecreases(rows: number[][], values: number[]): number[] {
	const decreases = (rows[0] ?? []).map(() => 0);
	const grow = (members: number[]) => {
		const cut = bestCut(rows, values, members);
		if (!cut) return;
		decreases[cut.feature] += cut.decrease;
		grow(members.filter((i) => rows[i][cut.feature] < cut.threshold));
		grow(members.filter((i) => rows[i][cut.feature] >= cut.threshold));
	};
	grow(rows.map((_, i) => i));
	return decreases;
}

interface Cut {
	feature: number;
	threshold: number;
	decrease: number;
}

/** The cut after which the squared errors are least; null when none lessens them. */
function bestCut(rows: number[][], values: number[], members: number[]): Cut | null {
	const total = sum(members.map((i) => values[i]));
	let best: Cut | null = null;
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
			// The squares that the two means take off, less those that the common one does.
			const decrease = below ** 2 / count + (total - below) ** 2 / others - total ** 2 / ordered.length;
			if (decrease > Math.max(best?.decrease ?? 0, 1e-12 * total ** 2)) best = { feature, threshold, decrease };
		}
	}
	return best;
}
