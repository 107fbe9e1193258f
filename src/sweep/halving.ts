// Pruning of trials by asynchronous successive halving (ASHA, Li et al., MLSys 2020).
import { quantile } from "../support/statistics";

export interface HalvingOptions {
	/** Every trial trains for so many epochs. Default 1. */
	minEpochs?: number;
	/** At each rung one of so many goes on; the next rung is so many times higher. Default 3. */
	reductionFactor?: number;
}

/**
 * Makes the rule: called with a trial's value after each of its epochs, it says whether the trial goes on.
 *
 * At a rung (after `minEpochs`, and each time that times `reductionFactor`) a trial goes on when its value is within the
 * best `1 / reductionFactor` of those that came to this rung before. Nobody waits for others, so which trials are
 * stopped depends on the order in which they come.
 *
 * @param better `"min"` when less is better
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

/** @throws when the options are out of their range */
export function checkHalving({ minEpochs = 1, reductionFactor = 3 }: HalvingOptions): void {
	if (!(Number.isInteger(minEpochs) && minEpochs > 0)) throw new Error(`minEpochs is ${minEpochs}: expected 1 or more`);
	if (!(reductionFactor > 1)) throw new Error(`reductionFactor is ${reductionFactor}: expected more than 1`);
}

/** Whether trials are compared after this epoch. */
export function isRung(epoch: number, { minEpochs = 1, reductionFactor = 3 }: HalvingOptions): boolean {
	let rung = minEpochs;
	while (Math.round(rung) < epoch) rung *= reductionFactor;
	return Math.round(rung) === epoch;
}

/** A value as something of which more is better; what is no number is worse than all. */
export function rewardOf(value: number, better: "min" | "max"): number {
	if (Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
	return better === "min" ? -value : value;
}

/** Whether a trial goes on from a rung, by the rewards of those who came to it before. */
export function survives(reward: number, before: number[], { reductionFactor = 3 }: HalvingOptions): boolean {
	if (before.length === 0) return reward > Number.NEGATIVE_INFINITY;
	return reward >= quantile(Float64Array.from(before).sort(), 1 - 1 / reductionFactor);
}
