// Cross-entropy from logits.
import { sum } from "../support/statistics";
import { type Logits, requireLogits } from "./inputs";

/**
 * Computes the cross-entropy of each sample from logits:
 * `keras.losses.sparse_categorical_crossentropy(…, from_logits=True)`. Its mean is the loss that `evaluate` returns. It has
 * no upper limit, whereas `logLoss` clips probabilities as scikit-learn does.
 *
 * @param yTrue true label of each sample, the index of its column
 * @param logits outputs before the softmax, or logarithms of probabilities such as `logProbabilities` of `predict`
 * @param options `temperature`: number above 0 that the logits are divided by, default 1
 * @returns loss of each sample, 0 or more
 * @throws when the lengths differ, a label has no column, or the logits are probabilities or not numbers
 */
export function sparseCategoricalCrossentropy(
	yTrue: ArrayLike<number>,
	logits: Logits,
	{ temperature = 1 }: { temperature?: number } = {},
): number[] {
	requireLogits(logits, yTrue);
	return logits.map((row, i) => crossEntropy(row, yTrue[i], temperature));
}

/** Computes the cross-entropy of one sample. */
export function crossEntropy(logits: ArrayLike<number>, label: number, temperature: number): number {
	const scaled = Array.from(logits, (logit) => logit / temperature);
	const greatest = Math.max(...scaled);
	const winner = scaled.indexOf(greatest);
	const others = scaled.filter((_, i) => i !== winner).map((logit) => Math.exp(logit - greatest));
	// The logarithm of 1 + x is 0 for an x below 1e-16, where that of `log1p` still tells losses apart.
	return greatest - scaled[label] + Math.log1p(sum(others));
}
