// Builds GraphDefs and loads them as sessions. tfjs-node loads a graph only from a SavedModel.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { parse } from "protobufjs";
import { DType, nodeBackend } from "./backend";

/** The value of an attribute: one field of TensorFlow's `AttrValue`. */
export type Attribute =
	| { type: number }
	| { i: number }
	| { f: number }
	| { b: boolean }
	| { s: Uint8Array }
	| { shape: { dim: { size: number }[] } }
	| { tensor: TensorProto }
	| { list: { i?: number[]; type?: number[]; shape?: { dim: { size: number }[] }[] } }
	| { func: { name: string } };

/** The values of a constant. A single value in `floatVal` fills the whole shape. */
export type TensorProto = {
	dtype: number;
	tensorShape: { dim: { size: number }[] };
	tensorContent?: Uint8Array;
	floatVal?: number[];
};

/** A NodeDef. Inputs are `"name"`, `"name:1"` for a node's second output, or `"^name"` for a control dependency. */
export type GraphNode = { name: string; op: string; input: string[]; attr: Record<string, Attribute> };

/** A FunctionDef: a graph that nodes such as `ParallelMapDatasetV2` call by name. */
export type GraphFunction = {
	signature: { name: string; inputArg: Argument[]; outputArg: Argument[] };
	nodeDef: GraphNode[];
	/** The node output that each output of the function returns, as `"node:output:0"`. */
	ret: Record<string, string>;
};
type Argument = { name: string; type: number };

/** A loaded graph with its variables. */
export interface Session {
	/**
	 * Runs the graph.
	 *
	 * @param feeds tensors by the names of their placeholders; the caller disposes them
	 * @param outputs the outputs to fetch, each as `"name:0"`
	 */
	run(feeds: Record<string, tf.Tensor>, outputs: string[]): tf.Tensor[];
	/** Releases the graph and its variables. */
	dispose(): void;
}

/** Returns a string as the value of an attribute. */
export const textAttribute = (text: string) => ({ s: Buffer.from(text) });
/** Returns a shape as a TensorShapeProto; −1 is an unknown size. */
export const shapeProto = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) });

/** Returns a node. */
export const node = (name: string, op: string, input: string[], attr: GraphNode["attr"] = {}): GraphNode => ({
	name,
	op,
	input,
	attr,
});

/** Returns a constant node of dtype int32. */
export const integers = (name: string, shape: number[], ...values: number[]): GraphNode =>
	constant(name, shape, DType.int32, Int32Array.from(values));

/**
 * Returns a constant node.
 *
 * @param dtype a number of `DType`
 * @param values a typed array of that dtype, as long as the shape
 */
export function constant(name: string, shape: number[], dtype: number, values: ArrayBufferView): GraphNode {
	const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
	// tfjs makes arrays of ones and zeros as large as a layer's output: one value is enough.
	const isUniform = values instanceof Float32Array && values.length > 1 && values.every((value) => value === values[0]);
	const content = isUniform ? { floatVal: [values[0]] } : { tensorContent: bytes };
	const tensor = { dtype, tensorShape: shapeProto(shape), ...content };
	return { name, op: "Const", input: [], attr: { dtype: { type: dtype }, value: { tensor } } };
}

// The fields of TensorFlow's protocol buffers that are used here, with the numbers of its .proto files. Enums are int32.
const { root } = parse(`
	syntax = "proto3";
	message Dim { int64 size = 1; }
	message Shape { repeated Dim dim = 2; }
	message Tensor { int32 dtype = 1; Shape tensorShape = 2; bytes tensorContent = 4; repeated float floatVal = 5; }
	message List { repeated int64 i = 3; repeated int32 type = 6; repeated Shape shape = 7; }
	message Func { string name = 1; }
	message Attr {
		oneof value {
			List list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6; Shape shape = 7;
			Tensor tensor = 8; Func func = 10;
		}
	}
	message Node { string name = 1; string op = 2; repeated string input = 3; map<string, Attr> attr = 5; }
	message Arg { string name = 1; int32 type = 3; }
	message Signature { string name = 1; repeated Arg inputArg = 2; repeated Arg outputArg = 3; }
	message Function { Signature signature = 1; repeated Node nodeDef = 3; map<string, string> ret = 4; }
	message Library { repeated Function function = 1; }
	message Versions { int32 producer = 1; int32 minConsumer = 2; }
	message Graph { repeated Node node = 1; Library library = 2; Versions versions = 4; }
	message Meta { repeated string tags = 4; }
	message TensorInfo { string name = 1; int32 dtype = 2; Shape tensorShape = 3; }
	message Serving { map<string, TensorInfo> inputs = 1; map<string, TensorInfo> outputs = 2; string methodName = 3; }
	message MetaGraph { Meta metaInfoDef = 1; Graph graphDef = 2; map<string, Serving> signatureDef = 5; }
	message SavedModel { int64 savedModelSchemaVersion = 1; repeated MetaGraph metaGraphs = 2; }
`);

/** An input or output of a signature: the node output, as `"name:0"`, its dtype and its shape. */
type TensorInfo = { name: string; dtype: number; tensorShape: ReturnType<typeof shapeProto> };

/** What a SavedModel computes for those who call it: inputs and outputs by their names. */
export type ServingSignature = { inputs: Record<string, TensorInfo>; outputs: Record<string, TensorInfo> };

/**
 * Returns the bytes of `saved_model.pb`: a graph without variables of its own.
 *
 * @param functions the functions that its nodes call
 * @param signatures by their names. Default: none
 */
export function encodeSavedModel(
	nodes: GraphNode[],
	functions: GraphFunction[] = [],
	signatures: Record<string, ServingSignature> = {},
): Uint8Array {
	const graphDef = { node: nodes, library: { function: functions }, versions: { producer: 1882, minConsumer: 12 } };
	const signatureDef = Object.fromEntries(
		Object.entries(signatures).map(([name, signature]) => [name, { ...signature, methodName: PREDICT }]),
	);
	const metaGraphs = [{ metaInfoDef: { tags: ["serve"] }, graphDef, signatureDef }];
	return root.lookupType("SavedModel").encode({ savedModelSchemaVersion: 1, metaGraphs }).finish();
}
const PREDICT = "tensorflow/serving/predict";

/**
 * Returns the signatures in the bytes of `saved_model.pb`, by their names.
 *
 * @throws when they are no SavedModel
 */
export function decodeSignatures(bytes: Uint8Array): Record<string, ServingSignature> {
	const SavedModel = root.lookupType("SavedModel");
	const { metaGraphs = [] } = SavedModel.toObject(SavedModel.decode(bytes), { longs: Number }) as {
		metaGraphs?: { metaInfoDef?: { tags?: string[] }; signatureDef?: Record<string, ServingSignature> }[];
	};
	return metaGraphs.find(({ metaInfoDef }) => metaInfoDef?.tags?.includes("serve"))?.signatureDef ?? {};
}

/**
 * Loads a graph as a session.
 *
 * @param functions the functions that its nodes call
 * @param config serialized ConfigProto of the session. Default: empty
 * @throws TensorFlow's error when a node is invalid
 */
export function startSession(nodes: GraphNode[], functions: GraphFunction[] = [], config?: Uint8Array): Session {
	const folder = mkdtempSync(join(tmpdir(), "graph-"));
	try {
		writeFileSync(join(folder, "saved_model.pb"), encodeSavedModel(nodes, functions));
		return loadSession(folder, config);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/**
 * Loads the folder of a SavedModel as a session. Unlike `tf.node.loadSavedModel`, which answers with the session that it
 * has for a path, it reads the files each time.
 *
 * @param config serialized ConfigProto of the session. Default: empty
 * @throws TensorFlow's error when it is damaged, or has no graph for serving
 */
export function loadSession(folder: string, config?: Uint8Array): Session {
	const { binding } = nodeBackend();
	const session = binding.loadSavedModel(folder, "serve", config);
	return {
		run(feeds, outputs) {
			const backend = nodeBackend();
			const inputs = backend.getInputTensorIds(Object.values(feeds));
			const names = Object.keys(feeds).map((name) => `${name}:0`);
			const results = backend.binding.runSavedModel(session, inputs, names.join(), outputs.join());
			return results.map((output) => backend.createOutputTensor(output));
		},
		dispose: () => binding.deleteSavedModel(session),
	};
}
