// The graph of an ONNX model while it is made: nodes, and constants in float32, float16 or 8 bits.
import { toFloat16 } from "../cnn/quantization";
import type { WeightFormat } from "./formats";
import { ELEMENT, type OnnxAttribute, type OnnxNode, type OnnxTensor } from "./onnx-proto";

/** A graph that is being made. */
export interface OnnxGraph {
	nodes: OnnxNode[];
	initializers: OnnxTensor[];
	/** How kernels are stored. Tensors of one dimension stay float32. */
	weights: WeightFormat;
}

/** Adds a node with one output, and returns the output's name. */
export function addNode(
	graph: OnnxGraph,
	opType: string,
	input: string[],
	name: string,
	attributes: Record<string, OnnxAttribute> = {},
): string {
	graph.nodes.push({ opType, name, input, output: [name], attributes });
	return name;
}

/** Adds a float32 constant, stored as the graph stores kernels, and returns its name. */
export function addFloats(graph: OnnxGraph, name: string, dims: number[], values: Float32Array): string {
	const stored = dims.length < 2 ? "float32" : graph.weights;
	const halves = stored === "float16" && toFloat16(values);
	if (halves) {
		addTensor(graph, `${name}/float16`, dims, ELEMENT.float16, halves);
		return addNode(graph, "Cast", [`${name}/float16`], name, { to: ELEMENT.float32 });
	}
	if (stored !== "uint8") return addTensor(graph, name, dims, ELEMENT.float32, values);
	const { codes, scale, zeroPoint } = toUint8(values);
	const inputs = [
		addTensor(graph, `${name}/uint8`, dims, ELEMENT.uint8, codes),
		addTensor(graph, `${name}/scale`, [], ELEMENT.float32, Float32Array.of(scale)),
		addTensor(graph, `${name}/zero_point`, [], ELEMENT.uint8, Uint8Array.of(zeroPoint)),
	];
	return addNode(graph, "DequantizeLinear", inputs, name);
}

/** Adds a list of integers, and returns its name. */
export const addIntegers = (graph: OnnxGraph, name: string, values: number[]): string =>
	addTensor(graph, name, [values.length], ELEMENT.int64, BigInt64Array.from(values, BigInt));

function addTensor(graph: OnnxGraph, name: string, dims: number[], dataType: number, values: ArrayBufferView): string {
	const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
	graph.initializers.push({ name, dims, dataType, rawData });
	return name;
}

/** Maps values to bytes, of which one is exactly 0: value = scale × (code − zero point). */
function toUint8(values: Float32Array): { codes: Uint8Array; scale: number; zeroPoint: number } {
	let [min, max] = [0, 0];
	for (const value of values) {
		min = Math.min(min, value);
		max = Math.max(max, value);
	}
	const scale = (max - min) / 255 || 1;
	const zeroPoint = Math.round(-min / scale);
	const codes = Uint8ClampedArray.from(values, (value) => value / scale + zeroPoint);
	return { codes: new Uint8Array(codes.buffer), scale, zeroPoint };
}
