// From a network's outputs to the probabilities of the classes.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { sum } from "../support/statistics";
import { outputActivation, takesLogits } from "../tensorflow/logits";
import { requireClassifier } from "../training/compile";
import { hasFiniteWeights } from "../training/divergence";

/** Prediction of one sample, one column per class. */
export interface Row {
	/** Label of the highest probability; the first of equal ones. */
	label: number;
	/** Probabilities, 0–1, with the sum 1. */
	probabilities: number[];
	/** Natural logarithms of the probabilities, finite even where a probability underflows to 0. */
	logProbabilities: number[];
}

/**
 * Returns the function that converts the outputs of a sample, as `predictStep` returns them, to class probabilities. One
 * sigmoid unit gives two columns: 1 − p and p.
 *
 * @throws when the model has no output of exclusive classes or its weights are no numbers; the function throws when outputs are no probabilities
 */
export function probabilitiesOf(model: tf.LayersModel): (outputs: number[]) => Row {
	const units = requireClassifier(model);
	requireNumbers(model);
	const { layer, activation } = outputActivation(model);
	const areLogits = activation === "softmax" || activation === "sigmoid" || takesLogits(model);
	if (activation === "linear" && !areLogits) {
		throw new Error(
			`the output layer ${layer} has no activation, so its outputs are no probabilities: give it ` +
				`activation: "${units === 1 ? "sigmoid" : "softmax"}", or compile the model with a cross-entropy of logits`,
		);
	}
	if (areLogits) return (outputs) => requireProbabilities(fromLogits(units === 1 ? [0, ...outputs] : outputs), layer);
	return (outputs) =>
		requireProbabilities(fromProbabilities(units === 1 ? [1 - outputs[0], ...outputs] : outputs), layer);
}

/** Computes the softmax of logits in float64. */
function fromLogits(logits: number[]): Row {
	const greatest = Math.max(...logits);
	const logTotal = Math.log(sum(logits.map((logit) => Math.exp(logit - greatest))));
	const logProbabilities = logits.map((logit) => logit - greatest - logTotal);
	return { label: logits.indexOf(greatest), probabilities: logProbabilities.map(Math.exp), logProbabilities };
}

/** Keras's `backend.epsilon()`, to which its losses clip probabilities whose logits are unknown. */
const EPSILON = 1e-7;

function fromProbabilities(probabilities: number[]): Row {
	const total = sum(probabilities);
	const clipped = probabilities.map((p) => Math.min(1 - EPSILON, Math.max(EPSILON, p / total)));
	const label = probabilities.indexOf(Math.max(...probabilities));
	return { label, probabilities, logProbabilities: clipped.map(Math.log) };
}

/** Cause and remedy of an output that is NaN. */
export const NOT_A_NUMBER = "its weights or the pixels are not numbers; train again with a lower learningRate";

/** @throws when weights of the model are NaN or infinite */
export function requireNumbers(model: tf.LayersModel): void {
	if (!hasFiniteWeights(model)) throw new Error(`the network cannot be used: ${NOT_A_NUMBER}`);
}

/** @throws when probabilities are not numbers, outside 0–1 or do not sum to 1 */
function requireProbabilities(row: Row, layer: string): Row {
	const { probabilities } = row;
	if (probabilities.some(Number.isNaN)) {
		throw new Error(`the network's output is NaN: ${NOT_A_NUMBER}`);
	}
	const total = sum(probabilities);
	// Networks compute in float32, so their rows sum to 1 only approximately.
	if (Math.abs(total - 1) < 1e-3 && probabilities.every((p) => p >= 0 && p <= 1)) return row;
	throw new Error(
		`the outputs of ${layer} are no probabilities of classes: ${probabilities.map((p) => p.toPrecision(3)).join(", ")} ` +
			`(sum ${total.toPrecision(3)}); expected numbers from 0 to 1 with the sum 1, as softmax gives them`,
	);
}
