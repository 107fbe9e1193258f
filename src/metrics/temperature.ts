// Temperature scaling.
import { mean, sum } from "../support/statistics";
import { crossEntropy } from "./cross-entropy";
import { type Logits, requireLogits } from "./inputs";

/**
 * Fits the temperature that calibrates probabilities (Guo et al., ICML 2017). It is above 1 for overconfident models.
 *
 * @param yTrue true labels of samples that the model is neither trained nor tested on, such as the validation set
 * @param logits outputs before the softmax for the same samples, or logarithms of probabilities such as
 *   `logProbabilities` of `predict`
 * @returns the temperature with the lowest cross-entropy, 0.05–20
 * @throws as `sparseCategoricalCrossentropy` does, and when a true class has a probability of 0
 */
export function fitTemperature(yTrue: ArrayLike<number>, logits: Logits): number {
	requireLogits(logits, yTrue);
	const impossible = logits.findIndex((row, i) => row[yTrue[i]] === Number.NEGATIVE_INFINITY);
	if (impossible >= 0) {
		throw new Error(
			`sample ${impossible} has the logit -Infinity for its true class: its loss is infinite at all temperatures`,
		);
	}
	const loss = (logarithm: number) => mean(logits.map((row, i) => crossEntropy(row, yTrue[i], Math.exp(logarithm))));
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
 * Computes probabilities at a temperature: the softmax of the logits divided by it. The predicted class does not change.
 *
 * @param logits outputs before the softmax `[samples][classes]`, or logarithms of probabilities such as
 *   `logProbabilities` of `predict`
 * @param temperature a number above 0; above 1 the probabilities become less confident
 * @returns probabilities `[samples][classes]`, 0–1
 * @throws when the logits are probabilities or not numbers
 */
export function withTemperature(logits: Logits, temperature: number): number[][] {
	requireLogits(logits);
	return logits.map((row) => {
		const greatest = Math.max(...Array.from(row));
		const exponentials = Array.from(row, (logit) => Math.exp((logit - greatest) / temperature));
		const total = sum(exponentials);
		return exponentials.map((exponential) => exponential / total);
	});
}
