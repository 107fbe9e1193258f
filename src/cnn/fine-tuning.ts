// Which layers of a pretrained network are trained.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { applied, walkLayers } from "../tensorflow/layer-graph";

/**
 * Unfreezes the last layers of a model for fine-tuning, as Keras's guide to transfer learning does: train the new last layer
 * first, then the layers before it with a learning rate of a hundredth.
 *
 * Batch norms stay frozen, and so in inference mode: the statistics of a few small batches would replace those of a million
 * images. Compile the model afterwards, so that the optimizer knows its weights.
 *
 * @param options `from`: name of the first layer that is trained, or what it begins with, such as `"block6a"`. Default: all
 * @throws when no layer has that name
 */
export function unfreeze(model: tf.LayersModel, { from = "" }: { from?: string } = {}): void {
	const first = indexOf(model, from);
	for (const [i, layer] of model.layers.entries())
		layer.trainable = i >= first && layer.getClassName() !== "BatchNormalization";
}

/**
 * Splits a functional model before a layer, so that what the frozen lower part computes can be kept (`featureDataset`) while
 * the upper part is trained.
 *
 * @param from name of the first layer of the upper part, or what it begins with, such as `"block7a"`. All that comes later
 *   depends on the output of the layer before it alone
 * @returns two models that share the model's layers
 * @throws when no layer has that name
 */
export function splitBefore(model: tf.LayersModel, from: string): { lower: tf.LayersModel; upper: tf.LayersModel } {
	const between = model.layers[indexOf(model, from)].input as tf.SymbolicTensor;
	const input = tf.input({ batchShape: between.shape });
	const outputs = walkLayers({ inputs: [between], outputs: model.outputs }, [input], applied);
	return {
		lower: tf.model({ inputs: model.inputs, outputs: between, name: `${model.name}_before_${from}` }),
		upper: tf.model({ inputs: input, outputs, name: `${model.name}_from_${from}` }),
	};
}

/** Returns the index of the first layer whose name begins so. */
function indexOf(model: tf.LayersModel, from: string): number {
	const index = model.layers.findIndex(({ name }) => name.startsWith(from));
	if (index >= 0) return index;
	const blocks = [...new Set(model.layers.map(({ name }) => name.replace(/_.*/, "")))];
	throw new Error(`the model has no layer ${from}: its layers begin with ${blocks.join(", ")}`);
}
