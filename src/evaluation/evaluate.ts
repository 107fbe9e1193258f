// `evaluate` and `predict` on a dataset.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { compiledModel, withSteps } from "../tensorflow/layers-model";
import { crossEntropyFromLogits } from "../tensorflow/softmax";
import { predictStep, testStep } from "../tensorflow/steps";
import { classesOf, requireModelClasses } from "../training/classes";
import { requireCompiled } from "../training/compile";
import { feed } from "../training/feed";
import type { TrainOptions } from "../training/train";

/**
 * Evaluates a compiled model on a dataset: Keras's `model.evaluate`.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @returns mean loss and accuracy (0–1) over all samples
 * @throws when the model is not compiled, or was trained on other classes than those of the data
 */
export async function evaluate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<{ loss: number; accuracy: number }> {
	requireCompiled(model);
	requireModelClasses(model, classesOf(data));
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
	/** Predicted label of each sample, that of the highest probability. */
	yPred: number[];
	/** Probabilities `[samples][classes]`, 0–1. */
	probabilities: number[][];
}

/**
 * Predicts a dataset with integer labels, batch by batch: Keras's `model.predict` with the true labels.
 *
 * Pass a dataset with `shuffle: false` if the order matters.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @throws when the model was trained on other classes than those of the data
 */
export async function predict(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<Predictions> {
	requireModelClasses(model, classesOf(data));
	const result: Predictions = { yTrue: [], yPred: [], probabilities: [] };
	const { dataset, prepare } = feed(data, fast);
	const step = predictStep(compiledModel(model), prepare, { fast });
	const batches = await dataset.iterator();
	for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
		const { xs, ys } = batch.value;
		const [output] = step([xs]);
		const probabilities = output.arraySync() as number[][];
		result.yTrue.push(...ys.dataSync());
		result.probabilities.push(...probabilities);
		result.yPred.push(...probabilities.map((row) => row.indexOf(Math.max(...row))));
		tf.dispose([xs, ys, output]);
	}
	return result;
}
