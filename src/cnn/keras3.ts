// Keras 3's models: their topology in the words of Keras 2, which tf.layers reads, and their weights under its names.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { allLayers } from "../tensorflow/layers-model";

/** What a model's files hold. */
export type ModelArtifacts = Awaited<ReturnType<typeof tf.io.getModelArtifactsForJSON>>;

/** A layer as Keras writes it. */
interface LayerConfig {
	class_name: string;
	config: Record<string, unknown> & { name: string };
	name?: string;
	inbound_nodes?: unknown[];
}

/** Returns whether a `modelTopology` is one of Keras 3 or later. Without a version, its word for input shapes tells. */
export function isKeras3(topology: unknown): boolean {
	const { keras_version } = topology as { keras_version?: string };
	return keras_version ? Number.parseInt(keras_version, 10) >= 3 : JSON.stringify(topology).includes('"batch_shape":');
}

/**
 * Loads a model that Keras 3 saved and the TensorFlow.js converter wrote as a layers model, from .h5 or .keras.
 *
 * @throws with the layer that tf.layers has not, or has with another meaning; or when weights do not fit the layers
 */
export async function loadKeras3(artifacts: ModelArtifacts): Promise<tf.LayersModel> {
	const topology = artifacts.modelTopology as LayerConfig & { model_config?: LayerConfig };
	const saved = topology.model_config ?? topology;
	const model = await tf.models.modelFromJSON(
		toKeras2(saved) as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
	);
	const nameOf = weightNames(saved, model);
	const weights = tf.io.decodeWeights(artifacts.weightData as ArrayBuffer, artifacts.weightSpecs ?? []);
	const own = Object.entries(weights)
		// The state of a random generator, which tf.layers keeps elsewhere.
		.filter(([name]) => !name.includes("seed_generator"))
		.map(([name, weight]) => [nameOf(name), weight]);
	model.loadWeights(Object.fromEntries(own));
	tf.dispose(weights);
	return model;
}

/** Options with another name in tf.layers. */
const RENAMED: Record<string, string> = { batch_shape: "batch_input_shape", "LeakyReLU negative_slope": "alpha" };

/** Options that tf.layers ignores, with the value that makes no difference. */
const NEUTRAL: Record<string, unknown> = {
	keepdims: false,
	groups: 1,
	output_padding: null,
	rms_scaling: false,
	renorm: false,
	negative_slope: 0,
	threshold: 0,
	crop_to_aspect_ratio: false,
	pad_to_aspect_ratio: false,
};

/** Activations that mean the same in tf.layers. Not `hard_sigmoid`: Keras 3 has another slope. */
const ACTIVATIONS: Record<string, string> = {
	...Object.fromEntries(["elu", "gelu", "linear", "log_softmax", "mish", "relu", "relu6", "selu"].map((a) => [a, a])),
	...Object.fromEntries(["sigmoid", "softmax", "softplus", "softsign", "swish", "tanh"].map((a) => [a, a])),
	silu: "swish",
};

function unsupported({ class_name, config }: LayerConfig, what: string): Error {
	return new Error(
		`it is a Keras 3 model whose layer ${config.name} (${class_name}) has ${what} in TensorFlow.js layers: convert it with tensorflowjs_converter --output_format=tfjs_graph_model`,
	);
}

/** @param nested the names of the models in the model that the layer belongs to */
function toKeras2(layer: LayerConfig, nested = new Set<string>()): LayerConfig {
	const { class_name, config } = layer;
	const known = tf.serialization.SerializationMap.getMap().classNameMap[class_name]?.[0] as { prototype: unknown };
	if (!(known?.prototype instanceof tf.layers.Layer)) throw unsupported(layer, "no counterpart");
	const options = Object.entries(config)
		// The weights are loaded, whatever they were initialized with.
		.filter(([key]) => !key.endsWith("_initializer"))
		.map(([key, value]) => [RENAMED[key] ?? RENAMED[`${class_name} ${key}`] ?? key, optionOf(layer, key, value)]);
	const translated: LayerConfig = { class_name, config: Object.fromEntries(options) };
	if (layer.inbound_nodes) {
		translated.name = layer.name;
		translated.inbound_nodes = layer.inbound_nodes.map((node) => inputsOf(layer, node, nested));
	}
	return translated;
}

function optionOf(layer: LayerConfig, key: string, value: unknown): unknown {
	if (key === "dtype") return dtypeOf(value);
	if (/activation$/.test(key) && value !== null) return activationOf(layer, key, value);
	if (key === "layers") return (value as LayerConfig[]).map((inner) => toKeras2(inner, nestedModels(layer)));
	if (/^(forward_|backward_)?layer$/.test(key) && value !== null) return toKeras2(value as LayerConfig);
	if (/^(in|out)put_layers$/.test(key)) return sourcesOf(layer, value);
	if (key.endsWith("_regularizer")) return regularizerOf(value as LayerConfig | null);
	const isOther = !RENAMED[`${layer.class_name} ${key}`] && key in NEUTRAL && value !== NEUTRAL[key];
	if (isOther && value !== null) throw unsupported(layer, `no ${key} ${JSON.stringify(value)}`);
	return value;
}

/** The policy's dtype; reduced precision becomes float32, in which the weights are stored. */
function dtypeOf(value: unknown): string {
	const name = typeof value === "string" ? value : String((value as LayerConfig | null)?.config?.name);
	return /^u?int|^bool/.test(name) ? name.replace(/^u?int.*/, "int32") : "float32";
}

function activationOf(layer: LayerConfig, key: string, value: unknown): string {
	const name = typeof value === "string" ? value : (value as { config: unknown }).config;
	if (typeof name === "string" && ACTIVATIONS[name]) return ACTIVATIONS[name];
	throw unsupported(layer, `no ${key} ${typeof name === "string" ? name : (value as LayerConfig).class_name}`);
}

/** tf.layers has L1 and L2 in one class. */
function regularizerOf(value: LayerConfig | null): unknown {
	const isOne = value?.class_name === "L1" || value?.class_name === "L2";
	return isOne ? { class_name: "L1L2", config: { l1: 0, l2: 0, ...value.config } } : value;
}

/** Where a tensor comes from: a layer's name, which of its calls, which of the outputs. */
type Source = [name: string, call: number, output: number];

/** In Keras 2 and tf.layers the first call of a nested model is the one that made it. */
const shifted = ([name, call, output]: Source, nested: Set<string>): Source => [
	name,
	nested.has(name) ? call + 1 : call,
	output,
];

const isModel = ({ class_name }: LayerConfig) => ["Functional", "Model", "Sequential"].includes(class_name);

const nestedModels = ({ config }: LayerConfig) =>
	new Set((config.layers as LayerConfig[]).filter(isModel).map((layer) => layer.config.name));

/** The inputs or outputs of a model, which Keras 3 writes as a list only where there are several. */
function sourcesOf(model: LayerConfig, value: unknown): Source[] {
	const sources = typeof (value as unknown[])[0] === "string" ? [value] : value;
	return (sources as Source[]).map((source) => shifted(source, nestedModels(model)));
}

/** Translates a call: `{args, kwargs}` with tensors that name where they come from becomes a list of these names. */
function inputsOf(layer: LayerConfig, node: unknown, nested: Set<string>): unknown[] {
	const { args, kwargs } = node as { args: unknown[]; kwargs: Record<string, unknown> };
	const given = Object.entries(kwargs).find(([, value]) => value !== null && value !== false);
	if (given) throw unsupported(layer, `no argument ${given[0]}`);
	return args.flat().map((tensor) => {
		const { config } = (tensor ?? {}) as { config?: { keras_history?: Source } };
		if (!config?.keras_history) throw unsupported(layer, "no input that is not a tensor");
		return [...shifted(config.keras_history, nested), {}];
	});
}

/**
 * Returns a function from a weight's name in the manifest to its name in tf.layers: `sequential/conv2d/kernel` (from .h5)
 * and `layers/conv2d/vars/0` (from .keras, where a layer is called by its class) to `conv2d/kernel`.
 */
function weightNames(saved: LayerConfig, model: tf.LayersModel): (name: string) => string {
	const layers = new Map(allLayers(model).map((layer) => [layer.name, layer]));
	const byClass = new Map(pathsOf(saved, ""));
	return (name) => {
		const parts = name.split("/");
		const last = parts.pop() as string;
		const layer = layers.get(
			byClass.get(parts.join("/").replace(/(\/cell)?\/vars$/, "")) ??
				(parts.findLast((part) => layers.has(part)) as string),
		);
		const weights = layer?.weights.map((weight) => weight.originalName) ?? [];
		const isCalled = (weight: string) => weight.endsWith(`/${last}`) || weight.endsWith(`/depthwise_${last}`);
		return (/^\d+$/.test(last) ? weights[Number(last)] : weights.find(isCalled)) ?? name;
	};
}

/** Yields the path of each layer in a .keras file and its name: classes in snake case, numbered in the model's order. */
export function* pathsOf({ config }: LayerConfig, above: string): Generator<[string, string]> {
	const counts = new Map<string, number>();
	for (const layer of config.layers as LayerConfig[]) {
		const snake = layer.class_name
			.replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
			.replace(/([a-z])([A-Z])/g, "$1_$2")
			.toLowerCase();
		const count = counts.get(snake) ?? 0;
		counts.set(snake, count + 1);
		const path = `${above}layers/${snake}${count > 0 ? `_${count}` : ""}`;
		yield [path, layer.config.name];
		if (isModel(layer)) yield* pathsOf(layer, `${path}/`);
	}
}
