// `evaluate` and `predict` on a dataset.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch, ImageDataset } from "../datasets/types";
import { accuracyScore } from "../metrics/confusion";
import { sparseCategoricalCrossentropy } from "../metrics/cross-entropy";
import { mean } from "../support/statistics";
import { compiledModel, withSteps } from "../tensorflow/layers-model";
import { predictStep, testStep } from "../tensorflow/steps";
import { classesOf, requireModelClasses } from "../training/classes";
import { prepareCompiled, requireClassifier } from "../training/compile";
import { feed } from "../training/feed";
import { labelCheck, labelsOf } from "../training/labels";
import type { TrainOptions } from "../training/train";
import { NOT_A_NUMBER, probabilitiesOf, requireNumbers } from "./outputs";

/**
 * Evaluates a compiled model on a dataset: Keras's `model.evaluate`. With sparse categorical cross-entropy the scores are
 * those of `predict`'s results, in float64.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @returns mean loss and accuracy (0–1) over all samples
 * @throws when the model is not compiled, or was trained on other classes than those of the data; when its outputs do not
 *   fit the loss, the labels do not fit the loss, or the loss is not a number
 */
export async function evaluate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<{ loss: number; accuracy: number }> {
	prepareCompiled(model, classesOf(data));
	if (model.loss === "sparseCategoricalCrossentropy")
		return scoresOf(await predictBatches(model, data, fast, labelCheck(model)));
	requireNumbers(model);
	const { dataset, prepare } = feed(data, fast, labelCheck(model));
	const test = testStep(compiledModel(model), prepare, { fast });
	const scores = (await withSteps(model, undefined, test, () =>
		model.evaluateDataset(dataset as Parameters<typeof model.evaluateDataset>[0], {}),
	)) as tf.Scalar[];
	const values = scores.map((score) => score.dataSync()[0]);
	tf.dispose(scores);
	const [loss, accuracy] = [values[0], values[model.metricsNames.indexOf("acc")]];
	if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}: ${NOT_A_NUMBER}`);
	return { loss, accuracy };
}

/** Computes the scores of predictions, so that they are those of every other figure of a report, to the last digit. */
const scoresOf = ({ yTrue, yPred, logProbabilities }: Predictions) => ({
	loss: mean(sparseCategoricalCrossentropy(yTrue, logProbabilities)),
	accuracy: accuracyScore(yTrue, yPred),
});

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
	/** What the probabilities were computed from, see `Row`. */
	logits: number[][];
}

/**
 * Predicts a dataset of any label mode, batch by batch: Keras's `model.predict` with the true labels.
 *
 * Results are in the order of this pass. For a dataset that shuffles that is not the order of its `filePaths` and `labels`,
 * nor of another pass: a line says so, once per dataset. Pass one with `shuffle: false` if the order matters.
 *
 * @param options `fast`: whether each step runs as one TensorFlow graph, default true
 * @throws when the model was trained on other classes than those of the data; when its outputs are no probabilities or not a
 *   number, or a label is of no class
 */
export async function predict(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<Predictions> {
	requireModelClasses(model, classesOf(data));
	if ((data as ImageDataset).shuffled && !warned.has(data)) {
		warned.add(data);
		console.log(SHUFFLED);
	}
	return predictBatches(model, data, fast);
}

const SHUFFLED =
	"predict: this dataset shuffles; the results are in the order of this pass, not in that of its filePaths and labels. " +
	"With shuffle: false they are in both.";
const warned = new WeakSet<tf.data.Dataset<Batch>>();

/** @param check is called with the labels of each batch. Default: none */
async function predictBatches(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	fast: boolean,
	check: (ys: tf.Tensor) => void = () => {},
): Promise<Predictions> {
	const toRow = probabilitiesOf(model);
	const classes = Math.max(2, requireClassifier(model));
	const result: Predictions = { yTrue: [], yPred: [], probabilities: [], logProbabilities: [], logits: [] };
	const { dataset, prepare } = feed(data, fast, (ys) => {
		check(ys);
		result.yTrue.push(...labelsOf(ys, classes));
	});
	const step = predictStep(compiledModel(model), prepare, { fast });
	const batches = await dataset.iterator();
	for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
		const { xs, ys } = batch.value;
		const [output] = step([xs]);
		for (const { label, probabilities, logProbabilities, logits } of (output.arraySync() as number[][]).map(toRow)) {
			result.yPred.push(label);
			result.probabilities.push(probabilities);
			result.logProbabilities.push(logProbabilities);
			result.logits.push(logits);
		}
		tf.dispose([xs, ys, output]);
	}
	return result;
}
