// Compiles a model; checks that it is compiled and fits the classes.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { disposeOptimizerWithModel } from "../tensorflow/layers-model";

/** @throws when a model has another number of outputs than there are classes; one output can tell two apart */
export function requireSameClasses(model: { outputs: { shape: (number | null)[] }[] }, classNames?: string[]): void {
	const [{ shape }] = model.outputs;
	const outputs = shape[shape.length - 1];
	const tells = outputs === 1 ? 2 : outputs;
	if (!classNames || tells === classNames.length) return;
	throw new Error(
		`the model tells ${tells} classes apart, but there are ${classNames.length}: ${classNames.join(", ")}`,
	);
}

export function requireCompiled(model: tf.LayersModel): void {
	if (!model.optimizer) throw new Error("the model is not compiled: call compile(model) first");
}

/** Compiles as the Keras pipeline does: Adam, sparse categorical cross-entropy, accuracy. */
export function compile(model: tf.LayersModel, learningRate = 0.001): void {
	model.compile({
		optimizer: tf.train.adam(learningRate),
		loss: "sparseCategoricalCrossentropy",
		metrics: ["accuracy"],
	});
	disposeOptimizerWithModel(model);
}
