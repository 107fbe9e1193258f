// TensorFlow SavedModels of models.
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { Program } from "../evaluation/network";
import { colorModeOf, resolveDecodeOptions } from "../images/decode";
import { decodeBytesFunction } from "../images/decode-graph";
import { readRegularFile } from "../support/files";
import { DType } from "../tensorflow/backend";
import { frozenGraph } from "../tensorflow/frozen-graph";
import {
	decodeSignatures,
	encodeSavedModel,
	type GraphFunction,
	type GraphNode,
	loadSession,
	node,
	shapeProto,
} from "../tensorflow/graphdef";

/**
 * Converts a model to a SavedModel with two signatures, as `model.export` of Keras and TensorFlow Serving know them:
 *
 * - `serving_default`: float32 `images` `[batch, height, width, channels]` in 0–255 to float32 `probabilities`
 * - `serving_bytes`: strings `encoded` `[batch]`, the bytes of JPEG, PNG, GIF, BMP or WebP files, decoded and resized as in
 *   training
 *
 * Its weights are constants of the graph: there is no folder of variables.
 *
 * @param model model of tf.layers from images to probabilities
 * @returns the bytes of `saved_model.pb`
 * @throws when a graph cannot express the model
 */
export function toSavedModel(model: tf.LayersModel): Uint8Array {
	const [{ shape }] = model.inputs;
	const outputs = model.outputs[0].shape;
	const { nodes, input, output } = frozenGraph(model);
	const [height, width, channels] = shape.slice(1) as number[];
	const decoding = resolveDecodeOptions({ imageSize: [height, width], colorMode: colorModeOf(channels) });
	const decode = decodeBytesFunction(decoding);
	const decoder: GraphFunction = {
		signature: {
			name: "decode",
			inputArg: [{ name: "encoded", type: DType.string }],
			outputArg: [{ name: "pixels", type: DType.float32 }],
		},
		nodeDef: decode.nodes,
		ret: { pixels: decode.output },
	};
	const probabilities = (name: string) => ({
		probabilities: { name: `${name}:0`, dtype: DType.float32, tensorShape: sizes(outputs) },
	});
	const signatures = {
		serving_default: {
			inputs: { images: { name: `${input}:0`, dtype: DType.float32, tensorShape: sizes(shape) } },
			outputs: probabilities(output),
		},
		serving_bytes: {
			inputs: { encoded: { name: "encoded:0", dtype: DType.string, tensorShape: shapeProto([-1]) } },
			outputs: probabilities(`bytes/${output}`),
		},
	};
	const fromBytes = [...decoded([height, width, channels]), ...renamed(nodes, input)];
	return encodeSavedModel([...nodes, ...fromBytes], [decoder], signatures);
}

const sizes = (shape: tf.Shape) => shapeProto(shape.map((size) => size ?? -1));

/** The nodes that decode each string of a batch: the output is `images`. */
function decoded(shape: number[]): GraphNode[] {
	const attributes = {
		Targuments: { list: { type: [DType.string] } },
		Tcaptured: { list: { type: [] } },
		output_types: { list: { type: [DType.float32] } },
		output_shapes: { list: { shape: [shapeProto(shape)] } },
		f: { func: { name: "decode" } },
	};
	return [
		node("encoded", "Placeholder", [], { dtype: { type: DType.string }, shape: { shape: shapeProto([-1]) } }),
		node("images", "MapDefun", ["encoded"], attributes),
	];
}

/** The network again, on `images` in place of its placeholder; the weights are shared. */
function renamed(nodes: GraphNode[], input: string): GraphNode[] {
	const isShared = new Set(nodes.filter(({ op }) => op === "Const").map(({ name }) => name));
	const other = (name: string) => {
		if (isShared.has(name)) return name;
		return name === input ? "images" : `bytes/${name}`;
	};
	return nodes
		.filter(({ name }) => !isShared.has(name) && name !== input)
		.map((each) => ({ ...each, name: other(each.name), input: each.input.map(other) }));
}

/** A SavedModel with a session. */
export interface SavedModel extends Program {
	/** Number of its outputs. */
	classes: number;
	/** Releases the session. */
	dispose(): void;
}

/**
 * Loads the folder of a SavedModel that `toSavedModel` made, to run its `serving_default`.
 *
 * @throws when it has no such signature, or is damaged
 */
export async function loadSavedModel(folder: string): Promise<SavedModel> {
	const { serving_default } = decodeSignatures(await readRegularFile(join(folder, "saved_model.pb")));
	const [images, probabilities] = [serving_default?.inputs?.images, serving_default?.outputs?.probabilities];
	const inputShape = images?.tensorShape?.dim?.slice(1).map(({ size }) => size) as Program["inputShape"];
	const classes = probabilities?.tensorShape?.dim?.[1]?.size;
	if (inputShape?.length !== 3 || !classes)
		throw new Error("it has no signature serving_default from images to probabilities");
	const session = loadSession(folder);
	const placeholder = images.name.replace(/:0$/, "");
	return {
		name: folder,
		inputShape,
		classes,
		run: (batch) => session.run({ [placeholder]: batch }, [probabilities.name])[0],
		dispose: session.dispose,
	};
}
