// The probabilities of one sample, in float64. Has no TensorFlow: pages of reports compute them again.
import { sum } from "../support/statistics";

/** Prediction of one sample, one column per class. */
export interface Row {
	/** Label of the highest probability; the first of equal ones. */
	label: number;
	/** Probabilities, 0–1, with the sum 1. */
	probabilities: number[];
	/** Natural logarithms of the probabilities, finite even where a probability underflows to 0. */
	logProbabilities: number[];
	/** Outputs of the network before the softmax; where it has none, the logarithms of the probabilities. */
	logits: number[];
}

/** Computes the softmax of logits in float64. */
export function fromLogits(logits: number[]): Row {
	const greatest = Math.max(...logits);
	const logTotal = Math.log(sum(logits.map((logit) => Math.exp(logit - greatest))));
	const logProbabilities = logits.map((logit) => logit - greatest - logTotal);
	return { label: logits.indexOf(greatest), probabilities: logProbabilities.map(Math.exp), logProbabilities, logits };
}

/** Clips a probability whose logit is unknown to 10⁻⁷ and, in float32, 1 − 10⁻⁷, as Keras's losses do. */
const clipped = (p: number) => Math.min(Math.fround(1 - 1e-7), Math.max(1e-7, p));

/** @param p probability of the second of two classes */
export function fromProbability(p: number): Row {
	const logProbabilities = [1 - clipped(p), clipped(p)].map(Math.log);
	return { label: Number(p > 0.5), probabilities: [1 - p, p], logProbabilities, logits: logProbabilities };
}

export function fromProbabilities(probabilities: number[]): Row {
	const total = sum(probabilities);
	const logProbabilities = probabilities.map((p) => Math.log(clipped(p / total)));
	return {
		label: probabilities.indexOf(Math.max(...probabilities)),
		...{ probabilities, logProbabilities, logits: logProbabilities },
	};
}
