// Temperature scaling.
import { logLoss } from "./calibration";

/**
 * Fits the temperature that calibrates probabilities (Guo et al., ICML 2017). It is above 1 for overconfident models.
 *
 * @param yTrue true labels of samples that the model is neither trained nor tested on, such as the validation set
 * @param probabilities predictions `[samples][classes]` for the same samples, 0–1
 * @returns the temperature with the lowest cross-entropy, 0.05–20
 */
export function fitTemperature(yTrue: ArrayLike<number>, probabilities: ArrayLike<number>[]): number {
	const loss = (logarithm: number) => logLoss(yTrue, withTemperature(probabilities, Math.exp(logarithm)));
	// Golden-section search needs no gradient, and the cross-entropy has a single minimum.
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
 * Rescales probabilities by a temperature: the softmax of the logits divided by it. The predicted class does not change.
 *
 * @param probabilities predictions `[samples][classes]`, 0–1
 * @param temperature a number above 0; above 1 the probabilities become less confident
 * @returns probabilities `[samples][classes]`, 0–1
 */
export function withTemperature(probabilities: ArrayLike<number>[], temperature: number): number[][] {
	return probabilities.map((row) => {
		// The smallest normal float32, so that the logarithm of 0 is finite.
		const logits = Array.from(row, (p) => Math.log(Math.max(p, 1.2e-38)) / temperature);
		const greatest = Math.max(...logits);
		const exponentials = logits.map((logit) => Math.exp(logit - greatest));
		const total = exponentials.reduce((sum, exponential) => sum + exponential);
		return exponentials.map((exponential) => exponential / total);
	});
}
