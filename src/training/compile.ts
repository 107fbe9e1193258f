// Compiles a model; checks that it is compiled and fits the classes.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { disposeOptimizerWithModel } from "../tensorflow/layers-model";

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
