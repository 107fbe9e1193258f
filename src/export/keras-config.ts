// The topology of a model in the words of Keras 3, as `config.json` of a .keras file has it.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { walkLayers } from "../tensorflow/layer-graph";
import { unsupported } from "./unsupported";

/** An object as Keras 3 writes it. */
export interface KerasConfig {
	module: string;
	class_name: string;
	config: Record<string, unknown> & { name: string };
	registered_name: string | null;
	build_config?: { input_shape: unknown };
	name?: string;
	inbound_nodes?: object[];
}

/** The options of each layer that matter after it was made, in tf.layers' spelling. Others have their defaults. */
const OPTIONS: Record<string, string> = {
	Activation: "activation",
	Add: "",
	AveragePooling2D: "poolSize strides padding",
	BatchNormalization: "axis momentum epsilon center scale",
	Concatenate: "axis",
	Conv2D: "filters kernelSize strides padding dilationRate activation useBias kernelRegularizer biasRegularizer",
	Dense: "units activation useBias kernelRegularizer biasRegularizer",
	DepthwiseConv2D:
		"kernelSize strides padding dilationRate depthMultiplier activation useBias depthwiseRegularizer biasRegularizer",
	Dropout: "rate seed",
	Flatten: "",
	GaussianDropout: "rate",
	GaussianNoise: "stddev",
	GlobalAveragePooling2D: "",
	GlobalMaxPooling2D: "",
	LeakyReLU: "alpha",
	MaxPooling2D: "poolSize strides padding",
	Multiply: "",
	ReLU: "maxValue",
	Rescaling: "scale offset",
	SeparableConv2D:
		"filters kernelSize strides padding dilationRate depthMultiplier activation useBias depthwiseRegularizer pointwiseRegularizer biasRegularizer",
	Softmax: "axis",
	ZeroPadding2D: "padding",
};

/** Options with another name in Keras 3. */
const RENAMED: Record<string, string> = { alpha: "negative_slope" };

/** Activations of tf.layers by their names in Keras 3. Not `hardSigmoid`, which has another slope there. */
const ACTIVATIONS = new Map(
	["elu", "linear", "relu", "relu6", "selu", "sigmoid", "softmax", "softplus", "softsign", "tanh"].map((a) => [a, a]),
).set("swish", "silu");

/**
 * Returns a model as Keras 3 writes it: a Sequential model as such, any other as a functional one.
 *
 * @throws when Keras has not one of the layers or its options; or when it holds another model
 */
export function toKerasConfig(model: tf.LayersModel): KerasConfig {
	const [input] = model.inputs;
	const inputLayer = kerasObject("InputLayer", {
		batch_shape: input.shape,
		dtype: "float32",
		sparse: false,
		name: input.sourceLayer.name,
	});
	const calls = callsOf(model);
	const layers = model.layers
		.filter((layer) => layer.getClassName() !== "InputLayer")
		.map((layer) => ({ layer, object: layerConfig(layer, calls.get(layer)?.[0] ?? []) }));
	if (model.getClassName() === "Sequential") {
		const config = { name: model.name, trainable: true, dtype: "float32" };
		const objects = [inputLayer, ...layers.map(({ object }) => object)];
		return {
			...kerasObject("Sequential", { ...config, layers: objects, build_input_shape: input.shape }),
			module: "keras",
		};
	}
	const nodes = layers.map(({ layer, object }) => ({
		...object,
		name: layer.name,
		inbound_nodes: (calls.get(layer) ?? []).map((inputs) => ({ args: argumentsOf(layer, inputs), kwargs: {} })),
	}));
	const output = model.outputs[0].sourceLayer;
	const config = {
		name: model.name,
		trainable: true,
		layers: [{ ...inputLayer, name: input.sourceLayer.name, inbound_nodes: [] }, ...nodes],
		input_layers: [[input.sourceLayer.name, 0, 0]],
		output_layers: [[output.name, (calls.get(output)?.length ?? 1) - 1, 0]],
	};
	// Keras has no public name for it.
	return { ...kerasObject("Functional", config), module: "keras.src.models.functional", registered_name: "Functional" };
}

const kerasObject = (class_name: string, config: KerasConfig["config"]): KerasConfig => ({
	module: "keras.layers",
	class_name,
	config,
	registered_name: null,
});

/** A tensor between layers: its shape, and which output of which call of a layer it is. */
type KerasTensor = { shape: tf.Shape; history: [layer: string, call: number, output: number] };

/** The inputs of each call of each layer. */
function callsOf(model: tf.LayersModel): Map<tf.layers.Layer, KerasTensor[][]> {
	const calls = new Map<tf.layers.Layer, KerasTensor[][]>();
	const [{ shape, sourceLayer }] = model.inputs;
	walkLayers<KerasTensor>(model, [{ shape, history: [sourceLayer.name, 0, 0] }], (layer, inputs, output) => {
		const earlier = calls.get(layer) ?? [];
		calls.set(layer, [...earlier, inputs]);
		return { shape: output.shape, history: [layer.name, earlier.length, 0] };
	});
	return calls;
}

/** Layers of several inputs take a list. */
function argumentsOf(layer: tf.layers.Layer, inputs: KerasTensor[]): unknown[] {
	const tensors = inputs.map(({ shape, history }) => ({
		class_name: "__keras_tensor__",
		config: { shape, dtype: "float32", keras_history: history },
	}));
	return ["Add", "Concatenate", "Multiply"].includes(layer.getClassName()) ? [tensors] : tensors;
}

function layerConfig(layer: tf.layers.Layer, inputs: KerasTensor[]): KerasConfig {
	const kind = layer.getClassName();
	if (!Object.hasOwn(OPTIONS, kind)) throw unsupported(layer, "Keras", "no counterpart");
	const given = layer.getConfig();
	if (given.dataFormat === "channelsFirst") throw unsupported(layer, "Keras", "no dataFormat channelsFirst on a CPU");
	const options = OPTIONS[kind].split(" ").filter((name) => name && given[name] !== undefined);
	const config = Object.fromEntries(options.map((name) => [kerasName(name), optionOf(layer, name, given[name])]));
	const shapes = inputs.map(({ shape }) => shape);
	return {
		...kerasObject(kind, { name: layer.name, trainable: layer.trainable, dtype: "float32", ...config }),
		build_config: { input_shape: shapes.length > 1 ? shapes : shapes[0] },
	};
}

const kerasName = (name: string) => RENAMED[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function optionOf(layer: tf.layers.Layer, name: string, value: unknown): unknown {
	if (name === "activation") {
		const activation = ACTIVATIONS.get(String(value ?? "linear"));
		if (!activation) throw unsupported(layer, "Keras", `no activation ${value}`);
		return activation;
	}
	if (!name.endsWith("Regularizer") || value === null) return value;
	const { config } = value as { config: Record<string, number> };
	return { module: "keras.regularizers", class_name: "L1L2", config, registered_name: null };
}
