// ONNX's protocol buffers: the parts of a model, and their bytes.
import { parse } from "protobufjs";

/** Element types of ONNX tensors. */
export const ELEMENT = { float32: 1, uint8: 2, int64: 7, float16: 10 } as const;

/** A named constant: the raw bytes of its elements, little-endian. */
export interface OnnxTensor {
	name: string;
	dims: number[];
	dataType: number;
	rawData: Uint8Array;
}

/** The value of an attribute: an integer, a list of them, or a number given as `{ f }`. */
export type OnnxAttribute = number | number[] | { f: number };

/** An operation on named values. */
export interface OnnxNode {
	opType: string;
	name: string;
	input: string[];
	output: string[];
	attributes: Record<string, OnnxAttribute>;
}

/** A named float32 input or output; a dimension given as text has any size. */
export interface OnnxValue {
	name: string;
	shape: (number | string)[];
}

/** A model of one graph. */
export interface OnnxModel {
	name: string;
	opset: number;
	nodes: OnnxNode[];
	initializers: OnnxTensor[];
	inputs: OnnxValue[];
	outputs: OnnxValue[];
	metadata: Record<string, string>;
}

// The fields of onnx.proto that are used here, with their numbers. Enums are int32.
const { root } = parse(`
	syntax = "proto3";
	message Entry { string key = 1; string value = 2; }
	message OperatorSet { string domain = 1; int64 version = 2; }
	message Tensor { repeated int64 dims = 1; int32 dataType = 2; string name = 8; bytes rawData = 9; }
	message Attribute { string name = 1; float f = 2; int64 i = 3; repeated int64 ints = 8; int32 type = 20; }
	message Node {
		repeated string input = 1; repeated string output = 2; string name = 3; string opType = 4;
		repeated Attribute attribute = 5;
	}
	message Dimension { oneof value { int64 dimValue = 1; string dimParam = 2; } }
	message Shape { repeated Dimension dim = 1; }
	message TensorType { int32 elemType = 1; Shape shape = 2; }
	message Type { TensorType tensorType = 1; }
	message Value { string name = 1; Type type = 2; }
	message Graph {
		repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
		repeated Value input = 11; repeated Value output = 12;
	}
	message Model {
		int64 irVersion = 1; string producerName = 2; Graph graph = 7; repeated OperatorSet opsetImport = 8;
		repeated Entry metadataProps = 14;
	}
`);

/** The newest version of the format that readers of opset 17 know. */
const IR_VERSION = 8;

/** Returns the bytes of an ONNX file. */
export function encodeOnnx({ name, opset, nodes, initializers, inputs, outputs, metadata }: OnnxModel): Uint8Array {
	const graph = {
		name,
		node: nodes.map(({ attributes, ...node }) => ({ ...node, attribute: Object.entries(attributes).map(toAttribute) })),
		initializer: initializers,
		input: inputs.map(toValue),
		output: outputs.map(toValue),
	};
	const model = {
		irVersion: IR_VERSION,
		producerName: "image-classification-notebooks",
		graph,
		opsetImport: [{ domain: "", version: opset }],
		metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
	};
	return root.lookupType("Model").encode(model).finish();
}

function toAttribute([name, value]: [string, OnnxAttribute]) {
	if (Array.isArray(value)) return { name, ints: value, type: 7 };
	return typeof value === "number" ? { name, i: value, type: 2 } : { name, f: value.f, type: 1 };
}

function toValue({ name, shape }: OnnxValue) {
	const dim = shape.map((size) => (typeof size === "string" ? { dimParam: size } : { dimValue: size }));
	return { name, type: { tensorType: { elemType: ELEMENT.float32, shape: { dim } } } };
}
