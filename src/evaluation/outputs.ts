// From a network's outputs to the probabilities of the classes.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { withTemperature } from "../metrics/temperature";
import { sum } from "../support/statistics";
import { hasFiniteWeights } from "../tensorflow/finite-weights";
import { outputActivation, takesLogits } from "../tensorflow/logits";
import { requireClassifier } from "../training/compile";
import { fromLogits, fromProbabilities, fromProbability, type Row } from "./rows";

/**
 * Returns the function that converts the outputs of a sample, as `predictStep` returns them, to class probabilities. One
 * sigmoid unit gives two columns: 1 − p and p.
 *
 * @throws when the model has no output of exclusive classes, or its weights are no numbers; the function throws when the
 *   outputs are no probabilities
 */
export function probabilitiesOf(model: tf.LayersModel): (outputs: number[]) => Row {
	requireNumbers(model);
	return toRow(model);
}

/** `probabilitiesOf` without a look at the weights, which the main thread of a browser cannot read from a GPU. */
export function toRow(model: tf.LayersModel): (outputs: number[]) => Row {
	const units = requireClassifier(model);
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
		requireProbabilities(units === 1 ? fromProbability(outputs[0]) : fromProbabilities(outputs), layer);
}

/**
 * Converts the outputs of a program that gives probabilities, as an exported graph does. One output gives two columns.
 *
 * @param program its name for the message
 * @throws when they are no probabilities
 */
export function rowOfProbabilities(outputs: number[], program: string): Row {
	const probabilities = outputs.length === 1 ? [1 - outputs[0], outputs[0]] : outputs;
	// Not clipped to 10⁻⁷: float32 has far smaller probabilities, which a temperature raises.
	const logProbabilities = probabilities.map((p) => Math.log(Math.max(p, LEAST)));
	return requireProbabilities(
		{
			label: probabilities.indexOf(Math.max(...probabilities)),
			...{ probabilities, logProbabilities, logits: logProbabilities },
		},
		program,
	);
}

/** The least normal float32. */
const LEAST = 2 ** -126;

/** Returns the same rows with the probabilities at a temperature. */
export function calibrated(toRow: (outputs: number[]) => Row, temperature: number): (outputs: number[]) => Row {
	if (temperature === 1) return toRow;
	return (outputs) => {
		const row = toRow(outputs);
		return { ...row, probabilities: withTemperature([row.logProbabilities], temperature)[0] };
	};
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
	if (probabilities.some(Number.isNaN)) throw new Error(`the network's output is NaN: ${NOT_A_NUMBER}`);
	const total = sum(probabilities);
	// Networks compute in float32, so their rows sum to 1 only approximately.
	if (Math.abs(total - 1) < 1e-3 && probabilities.every((p) => p >= 0 && p <= 1)) return row;
	throw new Error(
		`the outputs of ${layer} are no probabilities of classes: ${probabilities.map((p) => p.toPrecision(3)).join(", ")} ` +
			`(sum ${total.toPrecision(3)}); expected numbers from 0 to 1 with the sum 1, as softmax gives them`,
	);
}
