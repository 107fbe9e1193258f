// Compiles a model; checks that it is compiled and fits the classes.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { disposeOptimizerWithModel } from "../tensorflow/layers-model";
import { outputActivation } from "../tensorflow/logits";

/**
 * Checks that a model has one output per class; a single output (sigmoid) is for two classes.
 *
 * @throws when the numbers differ
 */
export function requireSameClasses(model: { outputs: { shape: (number | null)[] }[] }, classNames?: string[]): void {
	const [{ shape }] = model.outputs;
	const outputs = shape[shape.length - 1];
	const classes = outputs === 1 ? 2 : outputs;
	if (!classNames || classes === classNames.length) return;
	throw new Error(
		`the model has ${outputs} output${outputs === 1 ? "" : "s"}, but there are ${classNames.length} classes: ` +
			`${classNames.join(", ")}; build the model with as many outputs as classes`,
	);
}

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
		(activation === "sigmoid" &&
			units > 1 &&
			`the output layer ${layer} has ${units} sigmoid units, which are independent ` +
				`(multi-label): use activation: "softmax", since an image has one class`);
	if (problem) throw new Error(problem);
	return units;
}

/** @throws when the model is not compiled */
export function requireCompiled(model: tf.LayersModel): void {
	if (!model.optimizer) throw new Error("the model is not compiled: call compile(model) first");
}

/**
 * Compiles a model for training: Adam, sparse categorical cross-entropy, accuracy.
 *
 * @param learningRate learning rate of Adam, above 0. Default 0.001
 */
export function compile(model: tf.LayersModel, learningRate = 0.001): void {
	model.compile({
		optimizer: tf.train.adam(learningRate),
		loss: "sparseCategoricalCrossentropy",
		metrics: ["accuracy"],
	});
	disposeOptimizerWithModel(model);
}
