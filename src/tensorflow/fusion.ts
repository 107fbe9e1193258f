// Graph rewrites: TensorFlow's ReLU gradient, pooling before bias and ReLU.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, runOperation } from "./backend";
import { allLayers, type Compiled } from "./layers-model";

export function withFusedOperations<R>(model: Compiled, run: () => R): R {
	const undo = [...poolBeforeRelu(model), useReluGradient()];
	try {
		return run();
	} finally {
		for (const restore of undo) restore();
	}
}

function useReluGradient(): () => void {
	const stock = tf.getGradient("Relu");
	tf.unregisterGradient("Relu");
	tf.registerGradient({
		kernelName: "Relu",
		outputsToSave: [true],
		gradFunc: (dy, [y]) => ({ x: () => runOperation("ReluGrad", { T: DType.float32 }, [dy as tf.Tensor, y]) }),
	});
	return () => {
		tf.unregisterGradient("Relu");
		tf.registerGradient(stock);
	};
}

/** What is used of tf.layers' convolutions. */
type Convolution = tf.layers.Layer & {
	activation: { getClassName(): string };
	kernel: tf.LayerVariable;
	bias: tf.LayerVariable | null;
	strides: [number, number];
	padding: "valid" | "same";
	dataFormat: string;
	dilationRate: [number, number];
};

/** Lets each convolution with ReLU that only a max pooling follows do without bias and ReLU, and the pooling do them. */
function poolBeforeRelu(model: Compiled): (() => void)[] {
	const outputs = new Set([model, ...allLayers(model)].flatMap((part) => outputLayers(part)));
	return allLayers(model).flatMap((layer) => {
		const convolution = layer as Convolution;
		const pooling = outputs.has(convolution) ? null : onlyFollower(convolution);
		const suits =
			convolution.getClassName() === "Conv2D" &&
			convolution.activation.getClassName() === "relu" &&
			convolution.dataFormat === "channelsLast" &&
			pooling?.getClassName() === "MaxPooling2D";
		if (!suits) return [];
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
	});
}

type LayerNode = { outboundLayer: tf.layers.Layer };
type Connected = { inboundNodes: LayerNode[]; outboundNodes: LayerNode[] };

/** The layers whose outputs are those of a model; other layers have none. */
function outputLayers(part: object): tf.layers.Layer[] {
	const { outputs = [] } = part as { outputs?: { sourceLayer: unknown }[] };
	return outputs.map(({ sourceLayer }) => sourceLayer as tf.layers.Layer);
}

/** The layer that alone takes what another one gives, if both are used once. */
function onlyFollower(layer: tf.layers.Layer): tf.layers.Layer | null {
	const { inboundNodes, outboundNodes } = layer as unknown as Connected;
	if (inboundNodes.length !== 1 || outboundNodes.length !== 1) return null;
	const [{ outboundLayer }] = outboundNodes;
	return (outboundLayer as unknown as Connected).inboundNodes.length === 1 ? outboundLayer : null;
}

function replaceCall(layer: tf.layers.Layer, call: tf.layers.Layer["call"]): () => void {
	const own = Object.getOwnPropertyDescriptor(layer, "call");
	layer.call = call;
	return () => {
		if (own) Object.defineProperty(layer, "call", own);
		else delete (layer as { call?: unknown }).call;
	};
}
