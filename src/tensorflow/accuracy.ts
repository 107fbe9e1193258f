// Accuracy as in Keras.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { compiledModel } from "./layers-model";
import { takesLogits } from "./logits";

/**
 * Makes a compiled model compute its accuracy by the shapes of labels and outputs, as Keras does: of one unit
 * `binary_accuracy`, of integer labels `sparse_categorical_accuracy`, or else `categorical_accuracy`. Where the loss is a
 * cross-entropy of logits, one unit is of the second class above 0.
 *
 * Replaces the private `metricsTensors`: tf.layers chooses by the name of the loss, and labels `[batch]` of one unit or of
 * another loss are compared with all outputs of the batch. Can go when tf.layers chooses by shape.
 */
export function accuracyByShape(model: tf.LayersModel): void {
	const { metricsNames, metricsTensors } = compiledModel(model);
	const threshold = takesLogits(model) ? 0 : 0.5;
	const accuracy = (yTrue: tf.Tensor, yPred: tf.Tensor) => {
		const units = yPred.shape[yPred.rank - 1] as number;
		const labels = yTrue.rank < yPred.rank || yTrue.shape[yTrue.rank - 1] === 1 ? yTrue : yTrue.argMax(-1);
		const predicted = units === 1 ? yPred.greater(threshold) : yPred.argMax(-1);
		return labels.flatten().toFloat().equal(predicted.flatten().toFloat()).toFloat();
	};
	// The names start with the loss, which has no function here.
	metricsTensors.forEach(([, output], i) => {
		if (metricsNames[i + 1] === "acc") metricsTensors[i] = [accuracy, output];
	});
}
