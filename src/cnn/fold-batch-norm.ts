// Folds batch normalization into convolutions, for inference.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { applied, inputsOf, onlyFollower, walkLayers } from "../tensorflow/layer-graph";

/** The constant of a batch normalization's denominator. */
type BatchNormalization = tf.layers.Layer & { epsilon: number };

/** A layer with the static method that the types leave out. */
type LayerClass = { fromConfig(Layer: unknown, config: object): tf.layers.Layer };

/**
 * Folds batch normalization into the convolutions before it: the same function with fewer operations. Only for inference,
 * since a batch norm of moving averages is a constant scale and shift of each channel.
 *
 * @param model functional model; a batch norm that follows no convolution alone stays
 * @returns a new model with copies of the weights
 */
export function foldBatchNorm(model: tf.LayersModel): tf.LayersModel {
	const copies: [copy: tf.layers.Layer, weights: () => tf.Tensor[]][] = [];
	const copyOf = (layer: tf.layers.Layer, inputs: tf.SymbolicTensor[], output: tf.SymbolicTensor) => {
		if (normAfter(inputsOf(output)[0].sourceLayer) === layer) return inputs[0];
		const norm = normAfter(layer);
		const Layer = layer.constructor as unknown as LayerClass;
		const copy = Layer.fromConfig(Layer, { ...layer.getConfig(), ...(norm && { useBias: true }) });
		copies.push([copy, () => (norm ? foldedWeights(layer, norm) : layer.getWeights())]);
		return applied(copy, inputs);
	};
	const inputs = model.inputs.map(({ shape }) => tf.input({ batchShape: shape }));
	const folded = tf.model({ inputs, outputs: walkLayers(model, inputs, copyOf) });
	for (const [copy, weights] of copies) tf.tidy(() => copy.setWeights(weights()));
	return folded;
}

/** Returns the batch norm that alone reads a convolution without bias and activation; undefined when there is none. */
function normAfter(layer: tf.layers.Layer): BatchNormalization | undefined {
	if (!["Conv2D", "DepthwiseConv2D"].includes(layer.getClassName())) return undefined;
	const { useBias, activation } = layer.getConfig() as { useBias: boolean; activation: string };
	const follower = onlyFollower(layer);
	if (useBias || activation !== "linear" || follower?.getClassName() !== "BatchNormalization") return undefined;
	return follower as BatchNormalization;
}

/** Returns kernel and bias of a convolution with its batch norm. */
function foldedWeights(layer: tf.layers.Layer, norm: BatchNormalization): tf.Tensor[] {
	const [kernel] = layer.getWeights();
	const [gamma, beta, mean, variance] = norm.getWeights();
	const scale = gamma.div(variance.add(norm.epsilon).sqrt());
	// A kernel [rows, columns, in, out]; of a depthwise convolution [rows, columns, channels, 1].
	const factor = layer.getClassName() === "Conv2D" ? scale : scale.reshape([-1, 1]);
	return [kernel.mul(factor), beta.sub(mean.mul(scale))];
}
