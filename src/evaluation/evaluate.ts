// `evaluate` and `predict` on a dataset.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { compiledModel, withSteps } from "../tensorflow/layers-model";
import { crossEntropyFromLogits } from "../tensorflow/logits";
import { predictStep, testStep } from "../tensorflow/steps";
import { requireClassifier, requireCompiled, requireSameClasses } from "../training/compile";
import { classNamesOf, feed } from "../training/feed";
import { labelsOf } from "../training/labels";
import type { TrainOptions } from "../training/train";
import { probabilitiesOf } from "./outputs";

/**
 * Evaluates a compiled model on a dataset: Keras's `model.evaluate`.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @returns mean loss and accuracy (0–1) over all samples
 * @throws when the model is not compiled, or its outputs are not as many as the classes
 */
export async function evaluate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<{ loss: number; accuracy: number }> {
	requireCompiled(model);
	requireSameClasses(model, classNamesOf(data));
	crossEntropyFromLogits(model);
	const { dataset, prepare } = feed(data, fast);
	const test = testStep(compiledModel(model), prepare, { fast });
	const scores = (await withSteps(model, undefined, test, () =>
		model.evaluateDataset(dataset as Parameters<typeof model.evaluateDataset>[0], {}),
	)) as tf.Scalar[];
	const [loss, accuracy] = scores.map((score) => score.dataSync()[0]);
	tf.dispose(scores);
	return { loss, accuracy };
}

/** Predictions of a model for a dataset: one element per sample, in the dataset's order. */
export interface Predictions {
	/** True label of each sample. */
	yTrue: number[];
	/** Predicted label of each sample, that of the highest probability; of equal ones the first. */
	yPred: number[];
	/** Probabilities `[samples][classes]`, 0–1; of one sigmoid unit 1 − p and p. */
	probabilities: number[][];
	/**
	 * Natural logarithms of the probabilities `[samples][classes]`, computed from the logits where the network ends in
	 * softmax or sigmoid: finite where a probability underflows to 0. The mean of −log of the true class is the loss.
	 */
	logProbabilities: number[][];
}

/**
 * Predicts a dataset, batch by batch: Keras's `model.predict` with the true labels.
 *
 * Pass a dataset with `shuffle: false` if the order matters.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @throws when the outputs of the model are not as many as the classes
 */
export async function predict(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<Predictions> {
	requireSameClasses(model, classNamesOf(data));
	const toRow = probabilitiesOf(model);
	const classes = Math.max(2, requireClassifier(model));
	const result: Predictions = { yTrue: [], yPred: [], probabilities: [], logProbabilities: [] };
	const { dataset, prepare } = feed(data, fast);
	const step = predictStep(compiledModel(model), prepare, { fast });
	const batches = await dataset.iterator();
	for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
		const { xs, ys } = batch.value;
		const [output] = step([xs]);
		result.yTrue.push(...labelsOf(ys, classes));
		for (const { label, probabilities, logProbabilities } of (output.arraySync() as number[][]).map(toRow)) {
			result.yPred.push(label);
			result.probabilities.push(probabilities);
			result.logProbabilities.push(logProbabilities);
		}
		tf.dispose([xs, ys, output]);
	}
	return result;
}
