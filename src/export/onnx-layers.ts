// The layers of tf.layers as ONNX operations. Images are NCHW in the graph, as ONNX has them.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { inputsOf } from "../tensorflow/layer-graph";
import { addFloats, addIntegers, addNode, type OnnxGraph } from "./onnx-graph";
import type { OnnxAttribute } from "./onnx-proto";
import { unsupported } from "./unsupported";

/** A call of a layer. */
interface Call {
	graph: OnnxGraph;
	layer: tf.layers.Layer;
	/** The layer's options. */
	config: Config;
	/** Names of the inputs in the graph. */
	inputs: string[];
	/** Shapes as tf.layers has them: images are `[batch, height, width, channels]`. */
	inputShape: tf.Shape;
	outputShape: tf.Shape;
}

type Config = {
	activation: string;
	axis: number;
	dilationRate: number | number[];
	epsilon: number;
	maxValue: number | null;
	offset: number;
	padding: string | [[number, number], [number, number]];
	poolSize: number | number[];
	scale: number;
	strides: number | number[];
	alpha: number;
};

/**
 * Adds the operations of a layer as it predicts: dropout and noise are left out.
 *
 * @returns the name of its output in the graph
 * @throws when there are none for it
 */
export function addLayer(
	graph: OnnxGraph,
	layer: tf.layers.Layer,
	inputs: string[],
	output: tf.SymbolicTensor,
): string {
	const convert = LAYERS[layer.getClassName()];
	const config = layer.getConfig() as Config & { dataFormat?: string };
	if (!convert) throw unsupported(layer, "ONNX", "no counterpart");
	if (config.dataFormat === "channelsFirst") throw unsupported(layer, "ONNX", "no dataFormat channelsFirst");
	const [{ shape: inputShape }] = inputsOf(output);
	return convert({ graph, layer, config, inputs, inputShape, outputShape: output.shape });
}

const LAYERS: Record<string, (call: Call) => string> = {
	...Object.fromEntries(
		["Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D"].map((name) => [name, same]),
	),
	Rescaling: ({ graph, layer: { name }, config: { scale, offset }, inputs: [input] }) => {
		const scaled = addNode(graph, "Mul", [input, scalar(graph, `${name}/scale`, scale)], `${name}/scaled`);
		return addNode(graph, "Add", [scaled, scalar(graph, `${name}/offset`, offset)], name);
	},
	Conv2D: (call) => withActivation(call, convolution(call, "kernel")),
	DepthwiseConv2D: (call) => withActivation(call, convolution(call, "depthwise_kernel")),
	SeparableConv2D: (call) => {
		const depthwise = convolution(call, "depthwise_kernel", "/depthwise");
		const point = { ...call, inputs: [depthwise], config: { ...call.config, strides: 1, dilationRate: 1 } };
		return withActivation(call, convolution(point, "pointwise_kernel"));
	},
	BatchNormalization: batchNormalization,
	Activation: (call) => activation(call, call.config.activation, call.inputs[0], call.layer.name),
	ReLU: ({ graph, layer: { name }, config: { maxValue }, inputs }) =>
		maxValue ? clip(graph, inputs[0], maxValue, name) : addNode(graph, "Relu", inputs, name),
	LeakyReLU: ({ graph, layer: { name }, config: { alpha }, inputs }) =>
		addNode(graph, "LeakyRelu", inputs, name, { alpha: { f: alpha } }),
	Softmax: (call) => activation(call, "softmax", call.inputs[0], call.layer.name),
	MaxPooling2D: (call) => pooling(call, "MaxPool"),
	AveragePooling2D: (call) => pooling(call, "AveragePool"),
	GlobalAveragePooling2D: (call) => globalPooling(call, "GlobalAveragePool"),
	GlobalMaxPooling2D: (call) => globalPooling(call, "GlobalMaxPool"),
	ZeroPadding2D: ({ graph, layer: { name }, config, inputs }) => {
		const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]];
		const pads = addIntegers(graph, `${name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
		return addNode(graph, "Pad", [...inputs, pads], name);
	},
	Flatten: ({ graph, layer: { name }, inputs, inputShape }) => {
		const pixels = inputShape.length === 4 ? toChannelsLast(graph, inputs[0], `${name}/channels_last`) : inputs[0];
		return addNode(graph, "Flatten", [pixels], name, { axis: 1 });
	},
	Dense: (call) => {
		const { graph, layer, inputs, inputShape } = call;
		if (inputShape.length !== 2) throw unsupported(layer, "ONNX", "no counterpart with an input that is not flat");
		const kernel = weight(call, "kernel");
		const weights = addFloats(graph, `${layer.name}/kernel`, kernel.shape, kernel.values);
		return withActivation(call, addNode(graph, "Gemm", [...inputs, weights, ...bias(call)], linear(call)));
	},
	Add: ({ graph, layer: { name }, inputs }) => inOrder(graph, "Add", inputs, name),
	Multiply: ({ graph, layer: { name }, inputs }) => inOrder(graph, "Mul", inputs, name),
	Concatenate: ({ graph, layer, config: { axis }, inputs, inputShape }) => {
		if (axis !== -1 && axis !== inputShape.length - 1) throw unsupported(layer, "ONNX", `no axis ${axis}`);
		return addNode(graph, "Concat", inputs, layer.name, { axis: 1 });
	},
};

/** A layer that does nothing when it predicts. */
function same({ inputs: [input] }: Call): string {
	return input;
}

/** Moves the channels of images to the end. */
export const toChannelsLast = (graph: OnnxGraph, input: string, name: string) =>
	addNode(graph, "Transpose", [input], name, { perm: [0, 2, 3, 1] });

/** Moves the channels of images behind the batch. */
export const toChannelsFirst = (graph: OnnxGraph, input: string, name: string) =>
	addNode(graph, "Transpose", [input], name, { perm: [0, 3, 1, 2] });

const scalar = (graph: OnnxGraph, name: string, value: number) => addFloats(graph, name, [], Float32Array.of(value));

/** Operations of two inputs, one after the other. */
function inOrder(graph: OnnxGraph, opType: string, [first, ...others]: string[], name: string): string {
	return others.reduce(
		(sum, input, i) => addNode(graph, opType, [sum, input], i === others.length - 1 ? name : `${name}/${i}`),
		first,
	);
}

/** A weight of a layer by the end of its name; `order` transposes it. */
function weight({ layer }: Call, name: string, order?: number[]): { shape: number[]; values: Float32Array } {
	const variable = layer.weights.find(({ originalName }) => originalName.endsWith(`/${name}`));
	const value = variable?.read() as tf.Tensor;
	const transposed = order ? value.transpose(order) : value;
	const values = transposed.dataSync<"float32">().slice();
	if (transposed !== value) transposed.dispose();
	return { shape: transposed.shape, values };
}

/** The bias as an input; none of a layer without one. */
const bias = (call: Call): string[] => {
	if (!call.layer.weights.some(({ originalName }) => originalName.endsWith("/bias"))) return [];
	const { shape, values } = weight(call, "bias");
	return [addFloats(call.graph, `${call.layer.name}/bias`, shape, values)];
};

/** The name of a layer's output before its activation. */
const linear = ({ layer, config }: Call) =>
	(config.activation ?? "linear") === "linear" ? layer.name : `${layer.name}/linear`;

/**
 * A convolution. Kernels of tf.layers are `[height, width, in, out]`, of depthwise ones `[height, width, in, multiplier]`;
 * ONNX has `[out, in / group, height, width]`.
 *
 * @param suffix of its name, where another step of the layer follows, which adds the bias. Default: none
 */
function convolution(call: Call, kernelName: string, suffix?: string): string {
	const { graph, layer, inputs: given } = call;
	const isDepthwise = kernelName === "depthwise_kernel";
	const kernel = weight(call, kernelName, isDepthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]);
	const [first, second, ...size] = kernel.shape;
	const dims = isDepthwise ? [first * second, 1, ...size] : kernel.shape;
	const inputs = [
		...given,
		addFloats(graph, `${layer.name}/${kernelName}`, dims, kernel.values),
		...(suffix ? [] : bias(call)),
	];
	const name = suffix ? `${layer.name}${suffix}` : linear(call);
	return addNode(graph, "Conv", inputs, name, { ...windows(call, size), ...(isDepthwise && { group: first }) });
}

function pooling(call: Call, opType: string): string {
	return addNode(call.graph, opType, call.inputs, call.layer.name, windows(call, pair(call.config.poolSize)));
}

function globalPooling({ graph, layer: { name }, inputs }: Call, opType: string): string {
	return addNode(graph, "Flatten", [addNode(graph, opType, inputs, `${name}/pooled`)], name, { axis: 1 });
}

const pair = (value: number | number[]): number[] => (Array.isArray(value) ? value : [value, value]);

/** Size, step and padding of a convolution or a pooling. With "same", TensorFlow pads more at the end. */
function windows({ config, inputShape }: Call, size: number[]): Record<string, OnnxAttribute> {
	const strides = pair(config.strides ?? size);
	const dilations = pair(config.dilationRate ?? 1);
	const pads = size.map((length, i) => {
		if (config.padding !== "same") return 0;
		const input = inputShape[i + 1] as number;
		return Math.max(0, (Math.ceil(input / strides[i]) - 1) * strides[i] + (length - 1) * dilations[i] + 1 - input);
	});
	const before = pads.map((total) => Math.floor(total / 2));
	return {
		kernel_shape: size,
		strides,
		...(dilations.some((rate) => rate > 1) && { dilations }),
		pads: [...before, ...pads.map((total, i) => total - before[i])],
	};
}

function batchNormalization(call: Call): string {
	const { graph, layer, config, inputs, inputShape } = call;
	if (config.axis !== -1 && config.axis !== inputShape.length - 1)
		throw unsupported(layer, "ONNX", `no axis ${config.axis}`);
	const channels = inputShape.at(-1) as number;
	const given = new Set(layer.weights.map(({ originalName }) => originalName.split("/").at(-1)));
	const parameters = (
		[
			["gamma", 1],
			["beta", 0],
			["moving_mean", 0],
			["moving_variance", 1],
		] as const
	).map(([name, value]) => {
		const values = given.has(name) ? weight(call, name).values : new Float32Array(channels).fill(value);
		return addFloats(graph, `${layer.name}/${name}`, [channels], values);
	});
	return addNode(graph, "BatchNormalization", [...inputs, ...parameters], layer.name, {
		epsilon: { f: config.epsilon },
	});
}

function withActivation(call: Call, input: string): string {
	const { activation: name = "linear" } = call.config;
	return name === "linear" ? input : activation(call, name, input, call.layer.name);
}

/** Activations by their names in tf.layers, as ONNX operations with the same defaults. */
const ACTIVATIONS: Record<string, string> = {
	relu: "Relu",
	sigmoid: "Sigmoid",
	softplus: "Softplus",
	softsign: "Softsign",
	tanh: "Tanh",
};

function activation({ graph, layer, outputShape }: Call, kind: string, input: string, name: string): string {
	if (kind === "linear") return addNode(graph, "Identity", [input], name);
	if (kind === "relu6") return clip(graph, input, 6, name);
	if (kind === "softmax") return addNode(graph, "Softmax", [input], name, { axis: outputShape.length === 4 ? 1 : -1 });
	if (kind === "swish")
		return addNode(graph, "Mul", [input, addNode(graph, "Sigmoid", [input], `${name}/sigmoid`)], name);
	if (!ACTIVATIONS[kind]) throw unsupported(layer, "ONNX", `no activation ${kind}`);
	return addNode(graph, ACTIVATIONS[kind], [input], name);
}

function clip(graph: OnnxGraph, input: string, max: number, name: string): string {
	return addNode(graph, "Clip", [input, scalar(graph, `${name}/min`, 0), scalar(graph, `${name}/max`, max)], name);
}
