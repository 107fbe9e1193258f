// Pruning of trials by asynchronous successive halving (ASHA, Li et al., MLSys 2020).
import { quantile } from "../support/statistics";

export interface HalvingOptions {
	/** Number of epochs before a trial can be pruned: the first rung, 1 or more. Default 1. */
	minEpochs?: number;
	/**
	 * Reduction factor, above 1: at each rung the best `1 / reductionFactor` of the trials continue, and the next rung is
	 * `reductionFactor` times as many epochs. Default 3.
	 */
	reductionFactor?: number;
}

/**
 * Returns a pruner for asynchronous successive halving: a function of the epoch and the value of the objective that
 * returns whether the trial continues.
 *
 * Rungs are at `minEpochs` times the powers of `reductionFactor`. A trial that reaches a rung continues if its value is
 * among the best `1 / reductionFactor` of the values reported there before. Trials do not wait for each other, so which
 * ones are pruned depends on the order in which they report.
 *
 * @param better direction of improvement of the value
 * @throws when an option is out of its range
 */
export function successiveHalving(
	better: "min" | "max",
	options: HalvingOptions = {},
): (epoch: number, value: number) => boolean {
	checkHalving(options);
	const rungs = new Map<number, number[]>();
	return (epoch, value) => {
		if (!isRung(epoch, options)) return true;
		const before = rungs.get(epoch) ?? [];
		const reward = rewardOf(value, better);
		rungs.set(epoch, [...before, reward]);
		return survives(reward, before, options);
	};
}

/** @throws when an option is out of its range */
export function checkHalving({ minEpochs = 1, reductionFactor = 3 }: HalvingOptions): void {
	if (!(Number.isInteger(minEpochs) && minEpochs > 0)) throw new Error(`minEpochs is ${minEpochs}: expected 1 or more`);
	if (!(reductionFactor > 1)) throw new Error(`reductionFactor is ${reductionFactor}: expected more than 1`);
}

/** Whether trials can be pruned after this epoch. */
export function isRung(epoch: number, { minEpochs = 1, reductionFactor = 3 }: HalvingOptions): boolean {
	// Not rung by rung: a factor of just above 1 has millions of them.
	const power = Math.max(0, Math.ceil(Math.log((epoch - 0.5) / minEpochs) / Math.log(reductionFactor)));
	return [power - 1, power, power + 1].some(
		(exponent) => exponent >= 0 && Math.round(minEpochs * reductionFactor ** exponent) === epoch,
	);
}

/** Returns the value as a reward, of which more is better; NaN becomes −∞. */
export function rewardOf(value: number, better: "min" | "max"): number {
	if (Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
	return better === "min" ? -value : value;
}

/** Whether a trial continues after a rung, given the rewards reported there before. */
export function survives(reward: number, before: number[], { reductionFactor = 3 }: HalvingOptions): boolean {
	if (before.length === 0) return reward > Number.NEGATIVE_INFINITY;
	return reward >= quantile(Float64Array.from(before).sort(), 1 - 1 / reductionFactor);
}
