// Compiles a model; checks that it is compiled.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { disposeOptimizerWithModel } from "../tensorflow/layers-model";

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
