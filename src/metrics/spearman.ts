// Rank correlation.
import { mean, sum } from "../support/statistics";
import { requireSameLength } from "./inputs";

/**
 * Computes Spearman's rank correlation coefficient, −1 to 1: `scipy.stats.spearmanr`. Equal values have their mean rank.
 *
 * @param a one value for each sample
 * @param b another value for each sample
 * @returns `NaN` when all values of one list are equal
 * @throws when the lengths differ
 */
export function spearmanr(a: ArrayLike<number>, b: ArrayLike<number>): number {
	requireSameLength(a, b, "b");
	const [x, y] = [a, b].map((values) => {
		const ranks = ranksOf(Array.from(values));
		const average = mean(ranks);
		return ranks.map((rank) => rank - average);
	});
	const covariance = sum(x.map((value, i) => value * y[i]));
	return covariance / Math.sqrt(sum(x.map((value) => value ** 2)) * sum(y.map((value) => value ** 2)));
}

function ranksOf(values: number[]): number[] {
	const order = [...values.keys()].sort((i, j) => values[i] - values[j]);
	const ranks = new Array<number>(values.length);
	for (let start = 0, end = 0; start < order.length; start = end) {
		while (end < order.length && values[order[end]] === values[order[start]]) end++;
		for (const i of order.slice(start, end)) ranks[i] = (start + end - 1) / 2;
	}
	return ranks;
}
