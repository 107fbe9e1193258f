// Compiles a model; checks that its outputs fit the classes and the loss.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Classes } from "../datasets/classes";
import { accuracyByShape } from "../tensorflow/accuracy";
import { compiledModel, disposeOptimizerWithModel } from "../tensorflow/layers-model";
import { crossEntropyFromLogits, outputActivation, returnsMean, takesLogits } from "../tensorflow/logits";
import { requireModelClasses } from "./classes";

/**
 * Checks that a model predicts exclusive classes: one output `[batch, units]` with one sigmoid unit, or two units or more
 * that are not independent.
 *
 * @returns the number of units
 * @throws when it has several outputs, outputs of another shape, one softmax unit or several sigmoid units
 */
export function requireClassifier(model: tf.LayersModel): number {
	const [{ shape }, ...others] = model.outputs;
	const { layer, activation } = outputActivation(model);
	const units = shape[1] ?? 0;
	const problem =
		(others.length > 0 && `the model has ${model.outputs.length} outputs: expected one, [batch, classes]`) ||
		(shape.length !== 2 &&
			`the output of ${layer} is [${shape.map((size) => size ?? "batch").join(", ")}]: expected [batch, classes]`) ||
		(activation === "softmax" &&
			units === 1 &&
			`the output layer ${layer} is one softmax unit, which is always 1: use ` +
				'activation: "sigmoid" for two classes, or as many units as classes') ||
		((activation === "sigmoid" || activation === "hardSigmoid") &&
			units > 1 &&
			`the output layer ${layer} has ${units} ${activation} units, which are independent ` +
				`(multi-label): use activation: "softmax", since an image has one class`);
	if (problem) throw new Error(problem);
	return units;
}

/** Losses of tf.layers that take probabilities of classes. */
const CROSS_ENTROPIES = ["sparseCategoricalCrossentropy", "categoricalCrossentropy", "binaryCrossentropy"];

/**
 * Checks that a cross-entropy fits the output layer, since any other loss of it would be a number without meaning.
 *
 * @throws when the layer gives no probabilities, or the loss is for another number of units
 */
function requireFittingLoss(model: tf.LayersModel): void {
	const loss = model.loss as string;
	const { layer, activation } = outputActivation(model);
	if ((activation === "softmax" || activation === "sigmoid") && takesLogits(model)) {
		throw new Error(
			`the loss function takes logits, but the output layer ${layer} has activation "${activation}": give it none, or compile ` +
				"the model with a loss of probabilities by its name",
		);
	}
	if (!CROSS_ENTROPIES.includes(loss)) return;
	const units = requireClassifier(model);
	const fitting = units === 1 ? "sigmoid" : "softmax";
	if (activation !== null && activation !== fitting && activation !== "hardSigmoid") {
		throw new Error(
			`${loss} is the loss of probabilities, but the output layer ${layer} has ${activation === "linear" ? "no activation" : `activation "${activation}"`}: ` +
				`give it activation: "${fitting}"`,
		);
	}
	if (units === 1 && loss !== "binaryCrossentropy") {
		throw new Error(
			`${loss} is the loss of two units or more, but the output layer ${layer} has one: compile the model with loss: "binaryCrossentropy"`,
		);
	}
	if (units > 1 && loss === "binaryCrossentropy") {
		throw new Error(
			`binaryCrossentropy is the loss of one sigmoid unit, but the output layer ${layer} has ${units} units: compile the model ` +
				'with loss: "sparseCategoricalCrossentropy" or "categoricalCrossentropy"',
		);
	}
}

/**
 * Checks that a model can be trained and evaluated on data with these classes, and makes it compute loss and accuracy as
 * Keras does.
 *
 * @param classes the classes of the data; null if unknown, which is not checked
 * @throws when the model is not compiled with `metrics: ["accuracy"]`, was trained on other classes, or its outputs do not
 *   fit the classes or the loss
 */
export function prepareCompiled(model: tf.LayersModel, classes: Classes | null): void {
	if (!model.optimizer) throw new Error("the model is not compiled: call compile(model) first");
	if (!compiledModel(model).metricsNames.includes("acc")) {
		throw new Error('the model is compiled without its accuracy: compile it with metrics: ["accuracy"]');
	}
	requireModelClasses(model, classes);
	requireFittingLoss(model);
	crossEntropyFromLogits(model);
	accuracyByShape(model);
}

/** @throws when class or sample weights would multiply a mean of the losses instead of each loss */
export function requireWeightedLoss(model: tf.LayersModel): void {
	if (!returnsMean(model)) return;
	throw new Error(
		"the loss function returns the mean over a batch, which class and sample weights cannot weight: return the loss of " +
			"each sample, as tf.losses do with tf.Reduction.NONE",
	);
}

/**
 * Compiles a model for training: Adam, accuracy, and sparse categorical cross-entropy, or binary cross-entropy if it has one
 * unit.
 *
 * @param learningRate learning rate of Adam, above 0. Default 0.001
 */
export function compile(model: tf.LayersModel, learningRate = 0.001): void {
	model.compile({
		optimizer: tf.train.adam(learningRate),
		loss: model.outputs[0].shape.at(-1) === 1 ? "binaryCrossentropy" : "sparseCategoricalCrossentropy",
		metrics: ["accuracy"],
	});
	disposeOptimizerWithModel(model);
}
