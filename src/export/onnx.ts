// ONNX files of models.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { walkLayers } from "../tensorflow/layer-graph";
import type { WeightFormat } from "./formats";
import { addNode, type OnnxGraph } from "./onnx-graph";
import { addLayer, toChannelsFirst, toChannelsLast } from "./onnx-layers";
import { encodeOnnx } from "./onnx-proto";

/** The version of ONNX's operators that the files ask for: readers from 2022 on have it. */
const OPSET = 17;

/**
 * Converts a model to ONNX (https://onnx.ai), operators of version 17, as it predicts.
 *
 * @param model model of tf.layers with one input and one output. Inputs and outputs are called and shaped as in tf.layers:
 *   images are float32 `[batch, height, width, channels]`
 * @param options `weights`: how kernels are stored, `"float32"`, `"float16"` or `"uint8"`, default `"float32"`;
 *   `metadata`: texts for the file's metadata
 * @returns the bytes of the file
 * @throws when ONNX has no counterpart for a layer
 */
export function toOnnx(
	model: tf.LayersModel,
	{ weights = "float32", metadata = {} }: { weights?: WeightFormat; metadata?: Record<string, string> } = {},
): Uint8Array {
	const graph: OnnxGraph = { nodes: [], initializers: [], weights };
	const [input, output] = [model.inputs[0], model.outputs[0]];
	const first = input.shape.length === 4 ? toChannelsFirst(graph, "input", "input/channels_first") : "input";
	const last = addModel(graph, model, [first]);
	if (output.shape.length === 4) toChannelsLast(graph, last, "output");
	else addNode(graph, "Identity", [last], "output");
	return encodeOnnx({
		name: model.name,
		opset: OPSET,
		...graph,
		inputs: [{ name: "input", shape: sizesOf(input) }],
		outputs: [{ name: "output", shape: sizesOf(output) }],
		metadata,
	});
}

/** Adds the layers of a model, those of models in it too. */
function addModel(graph: OnnxGraph, model: Pick<tf.LayersModel, "inputs" | "outputs">, inputs: string[]): string {
	const visit = (layer: tf.layers.Layer, given: string[], result: tf.SymbolicTensor): string =>
		"layers" in layer ? addModel(graph, layer as tf.LayersModel, given) : addLayer(graph, layer, given, result);
	return walkLayers(model, inputs, visit)[0];
}

const sizesOf = ({ shape }: tf.SymbolicTensor) => shape.map((size, i) => size ?? (i === 0 ? "batch" : `size_${i}`));
