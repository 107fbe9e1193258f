// Temperature scaling.
import { logLoss } from "./calibration";

/**
 * Finds the temperature that makes probabilities fit what came (Guo et al., ICML 2017): above 1 if they were too sure.
 *
 * @param yTrue the true labels, of images that the model was not trained on; not those that it is tested on
 * @param probabilities `[samples][classes]` for the same
 * @returns the temperature with the least cross-entropy, between 0.05 and 20
 */
export function fitTemperature(yTrue: ArrayLike<number>, probabilities: ArrayLike<number>[]): number {
	const loss = (logarithm: number) => logLoss(yTrue, withTemperature(probabilities, Math.exp(logarithm)));
	// Golden-section search: the cross-entropy has one lowest point.
	const ratio = (Math.sqrt(5) - 1) / 2;
	let [low, high] = [Math.log(0.05), Math.log(20)];
	for (let step = 0; step < 60; step++) {
		const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
		if (loss(a) < loss(b)) high = b;
		else low = a;
	}
	return Math.exp((low + high) / 2);
}

/**
 * The probabilities at a temperature: the logits divided by it. Which class is the most likely does not change.
 *
 * @param probabilities `[samples][classes]`
 * @returns the same, less sure if `temperature` is above 1
 */
export function withTemperature(probabilities: ArrayLike<number>[], temperature: number): number[][] {
	return probabilities.map((row) => {
		// The least single-precision number, so that a 0 has a logarithm.
		const logits = Array.from(row, (p) => Math.log(Math.max(p, 1.2e-38)) / temperature);
		const greatest = Math.max(...logits);
		const powers = logits.map((logit) => Math.exp(logit - greatest));
		const total = powers.reduce((sum, power) => sum + power);
		return powers.map((power) => power / total);
	});
}
