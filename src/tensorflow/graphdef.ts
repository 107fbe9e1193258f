// Graphs that TensorFlow runs as a whole: nodes in, a session out. tfjs-node can run a graph only from a SavedModel.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { parse } from "protobufjs";
import { DType, nodeBackend } from "./backend";

/** The value of an attribute, by the name of its field in TensorFlow's `AttrValue`. */
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

/** The numbers of a constant; one in `floatVal` stands for as many as the shape has. */
export type TensorProto = {
	dtype: number;
	tensorShape: { dim: { size: number }[] };
	tensorContent?: Uint8Array;
	floatVal?: number[];
};

/** One operation: inputs are `"name"`, `"name:1"` for its second output, or `"^name"` to come after it. */
export type GraphNode = { name: string; op: string; input: string[]; attr: Record<string, Attribute> };

/** A graph that nodes such as `ParallelMapDatasetV2` call by its name. */
export type GraphFunction = {
	signature: { name: string; inputArg: Argument[]; outputArg: Argument[] };
	nodeDef: GraphNode[];
	/** Which node's output each of the function's outputs is, as `"node:output:0"`. */
	ret: Record<string, string>;
};
type Argument = { name: string; type: number };

/** A loaded graph, with the variables that it holds. */
export interface Session {
	/** Feeds tensors to placeholders and gives the outputs asked for, each `"name:0"`. Tensors in stay the caller's. */
	run(feeds: Record<string, tf.Tensor>, outputs: string[]): tf.Tensor[];
	/** Frees the graph and its variables. */
	dispose(): void;
}

export const textAttribute = (text: string) => ({ s: Buffer.from(text) });
export const shapeProto = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) });

/** A node of a graph. */
export const node = (name: string, op: string, input: string[], attr: GraphNode["attr"] = {}): GraphNode => ({
	name,
	op,
	input,
	attr,
});

/** A node that holds whole numbers, as int32. */
export const integers = (name: string, shape: number[], ...values: number[]): GraphNode =>
	constant(name, shape, DType.int32, Int32Array.from(values));

/** A node that holds numbers. */
export function constant(name: string, shape: number[], dtype: number, values: ArrayBufferView): GraphNode {
	const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
	// tfjs fills whole layers' outputs with ones and zeros.
	const same = values instanceof Float32Array && values.length > 1 && values.every((value) => value === values[0]);
	const content = same ? { floatVal: [values[0]] } : { tensorContent: bytes };
	const tensor = { dtype, tensorShape: shapeProto(shape), ...content };
	return { name, op: "Const", input: [], attr: { dtype: { type: dtype }, value: { tensor } } };
}

// The part of TensorFlow's messages that is used here; the numbers are those of its .proto files. Enums are int32.
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
	message MetaGraph { Meta metaInfoDef = 1; Graph graphDef = 2; }
	message SavedModel { int64 savedModelSchemaVersion = 1; repeated MetaGraph metaGraphs = 2; }
`);

/**
 * Loads a graph, ready to be run.
 *
 * @throws with TensorFlow's reason when a node is not as TensorFlow wants it
 */
export function startSession(nodes: GraphNode[], functions: GraphFunction[] = []): Session {
	const type = root.lookupType("SavedModel");
	const graphDef = { node: nodes, library: { function: functions }, versions: { producer: 1882, minConsumer: 12 } };
	const metaGraphs = [{ metaInfoDef: { tags: ["serve"] }, graphDef }];
	const { binding } = nodeBackend();
	const folder = mkdtempSync(join(tmpdir(), "graph-"));
	let session: number;
	try {
		writeFileSync(join(folder, "saved_model.pb"), type.encode({ savedModelSchemaVersion: 1, metaGraphs }).finish());
		session = binding.loadSavedModel(folder, "serve");
	} finally {
		rmSync(folder, { recursive: true });
	}
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
