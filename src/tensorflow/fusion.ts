// Graph rewrites: TensorFlow's ReLU gradient, pooling before bias and ReLU, ReLU6 as one operation.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, runOperation } from "./backend";
import { onlyFollower } from "./layer-graph";
import { allLayers, type Compiled } from "./layers-model";

/** Runs `run`, a traced step, with both rewrites. */
export function withFusedOperations<R>(model: Compiled, run: () => R): R {
	const undo = [...poolBeforeRelu(model), useReluGrad()];
	try {
		return run();
	} finally {
		for (const restore of undo) restore();
	}
}

/**
 * Runs `run`, a traced prediction, with all rewrites: also with `BiasAdd` and `Relu6`, which TensorFlow fuses with the
 * convolution before them. In training tfjs's own operations stay, whose gradients are those of tf.layers.
 */
export function withFusedInference<R>(model: Compiled, run: () => R): R {
	const isRelu6 = (layer: tf.layers.Layer) => layer.getClassName() === "ReLU" && layer.getConfig().maxValue === 6;
	const layers = allLayers(model).filter(isRelu6);
	const undo = layers.map((layer) => replaceCall(layer, (inputs) => tf.relu6([inputs].flat()[0])));
	undo.push(...allLayers(model).flatMap(useBiasAdd));
	try {
		return withFusedOperations(model, run);
	} finally {
		for (const restore of undo) restore();
	}
}

/**
 * Adds the bias of a convolution without activation by `BiasAdd`: tf.layers adds a reshaped bias, which TensorFlow does not
 * fuse. Replaces `call` of the layer; can go when tf.layers uses `BiasAdd`.
 *
 * @returns a function that restores the layer; none where there is nothing to do
 */
function useBiasAdd(layer: tf.layers.Layer): (() => void)[] {
	const { kernel, depthwiseKernel, bias, strides, padding, dilationRate, ...rest } = layer as Convolution;
	const isPlain = rest.activation?.getClassName() === "linear" && rest.dataFormat === "channelsLast";
	if (!["Conv2D", "DepthwiseConv2D"].includes(layer.getClassName()) || !isPlain || !bias) return [];
	const convolve = depthwiseKernel ? tf.depthwiseConv2d : tf.conv2d;
	const call: tf.layers.Layer["call"] = (inputs) =>
		tf.tidy(() => {
			const weights = (depthwiseKernel ?? kernel).read() as tf.Tensor4D;
			const output = convolve([inputs].flat()[0] as tf.Tensor4D, weights, strides, padding, "NHWC", dilationRate);
			return runOperation("BiasAdd", { T: DType.float32 }, [output, bias.read()]);
		});
	return [replaceCall(layer, call)];
}

/**
 * Replaces tfjs's gradient of ReLU by TensorFlow's `ReluGrad`: tfjs multiplies by `step(x)`, for which its Node kernel makes
 * arrays as large as the layer's output in JavaScript. Can go when tfjs-node uses `ReluGrad`.
 *
 * @returns a function that restores the original gradient
 */
function useReluGrad(): () => void {
	const original = tf.getGradient("Relu");
	tf.unregisterGradient("Relu");
	tf.registerGradient({
		kernelName: "Relu",
		outputsToSave: [true],
		gradFunc: (dy, [y]) => ({ x: () => runOperation("ReluGrad", { T: DType.float32 }, [dy as tf.Tensor, y]) }),
	});
	return () => {
		tf.unregisterGradient("Relu");
		tf.registerGradient(original);
	};
}

/** The protected fields of tf.layers' convolutions that their replaced `call` needs. */
type Convolution = tf.layers.Layer & {
	activation: { getClassName(): string };
	kernel: tf.LayerVariable;
	/** Of a depthwise convolution, in place of `kernel`. */
	depthwiseKernel?: tf.LayerVariable;
	bias: tf.LayerVariable | null;
	strides: [number, number];
	padding: "valid" | "same";
	dataFormat: string;
	dilationRate: [number, number];
};

/**
 * Moves bias and ReLU of each convolution behind the max pooling that follows it: max(relu(x + b)) = relu(max(x) + b), at a
 * quarter of the cost for 2 × 2 windows.
 *
 * Replaces `call` of both layers while the step is traced, because tf.layers computes layer by layer. Can go when
 * TensorFlow's graph optimizer does the same.
 *
 * @returns functions that restore the layers
 */
function poolBeforeRelu(model: Compiled): (() => void)[] {
	const outputs = new Set([model, ...allLayers(model)].flatMap((part) => outputLayers(part)));
	return allLayers(model).flatMap((layer) => {
		const convolution = layer as Convolution;
		// The activations of an output layer, as for Grad-CAM, are needed with bias and ReLU.
		const pooling = outputs.has(convolution) ? null : onlyFollower(convolution);
		const isFusible =
			convolution.getClassName() === "Conv2D" &&
			convolution.activation.getClassName() === "relu" &&
			convolution.dataFormat === "channelsLast" &&
			pooling?.getClassName() === "MaxPooling2D";
		return isFusible ? fuse(convolution, pooling) : [];
	});
}

function fuse(convolution: Convolution, pooling: tf.layers.Layer): (() => void)[] {
	const { kernel, bias, strides, padding, dilationRate } = convolution;
	const only = (tensors: tf.Tensor | tf.Tensor[]) => [tensors].flat()[0] as tf.Tensor4D;
	const pool = pooling.call.bind(pooling);
	return [
		replaceCall(convolution, (inputs) =>
			tf.conv2d(only(inputs), kernel.read() as tf.Tensor4D, strides, padding, "NHWC", dilationRate),
		),
		replaceCall(pooling, (inputs, kwargs) =>
			tf.tidy(() => {
				const pooled = only(pool(inputs, kwargs));
				return tf.relu(bias ? pooled.add(bias.read()) : pooled);
			}),
		),
	];
}

/** Returns the layers whose outputs are outputs of a model; none for a layer that is no model. */
function outputLayers(part: object): tf.layers.Layer[] {
	const { outputs = [] } = part as { outputs?: { sourceLayer: unknown }[] };
	return outputs.map(({ sourceLayer }) => sourceLayer as tf.layers.Layer);
}

/** Replaces `call` of a layer, which can have been replaced before, and returns a function that restores it. */
function replaceCall(layer: tf.layers.Layer, call: tf.layers.Layer["call"]): () => void {
	const own = Object.getOwnPropertyDescriptor(layer, "call");
	layer.call = call;
	return () => {
		if (own) Object.defineProperty(layer, "call", own);
		else delete (layer as { call?: unknown }).call;
	};
}
