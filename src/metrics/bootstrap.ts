// Bootstrap confidence intervals.
import seedrandom from "seedrandom";
import { mean, quantile, sum } from "../support/statistics";

export interface BootstrapOptions {
	/** How many resamples are scored. Default 9999, as SciPy. */
	nResamples?: number;
	/** The share of such intervals that hold the true score, 0–1. Default 0.95. */
	confidenceLevel?: number;
	/** Makes the interval repeatable. Default: another each time. */
	seed?: number;
}

/**
 * The percentile bootstrap (Efron, 1979): `scipy.stats.bootstrap` with `paired=True, method="percentile"`. The samples
 * are drawn anew, with replacement, as if the test set had been gathered again.
 *
 * @param score of some samples, by their places: `(i) => accuracyScore(pick(yTrue, i), pick(yPred, i))`
 * @param samples how many samples there are
 * @returns the ends of the interval, and the standard error; resamples whose score is `NaN` are left out
 */
export function bootstrap(
	score: (indices: Uint32Array) => number,
	samples: number,
	{ nResamples = 9999, confidenceLevel = 0.95, seed }: BootstrapOptions = {},
): { low: number; high: number; standardError: number } {
	const random = seedrandom(seed === undefined ? undefined : String(seed));
	const draw = () => Uint32Array.from({ length: samples }, () => Math.floor(random() * samples));
	const scores = Float64Array.from({ length: nResamples }, () => score(draw())).filter((value) => !Number.isNaN(value));
	const sorted = scores.sort();
	const middle = mean([...sorted]);
	const squares = sum([...sorted].map((value) => (value - middle) ** 2));
	return {
		low: quantile(sorted, (1 - confidenceLevel) / 2),
		high: quantile(sorted, (1 + confidenceLevel) / 2),
		standardError: Math.sqrt(squares / (sorted.length - 1)),
	};
}

/** The elements at the given places. */
export function pick<T>(values: ArrayLike<T>, indices: ArrayLike<number>): T[] {
	return Array.from(indices, (i) => values[i]);
}
