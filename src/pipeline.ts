// Runs a TensorFlow function on many files: on all cores, and ahead of when its results are wanted.
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-node-gpu";
import {
	constant,
	DType,
	type GraphFunction,
	type GraphNode,
	node,
	type Session,
	shapeProto,
	startSession,
	textAttribute,
} from "./graphdef";

/** From a file to a tensor: nodes that read `path`, and what their output is. */
export interface FileFunction {
	nodes: GraphNode[];
	/** Which node's output it is, as `"node:output:0"`. */
	output: string;
	dtype: number;
	shape: number[];
}

/** What the function gave, in the order of the files. */
export interface FileResults {
	/**
	 * The next file's tensor, or with `chunk` that of the next files, with one more dimension in front.
	 *
	 * @throws TensorFlow's error when a file cannot be read or decoded; the call after that goes on behind it
	 */
	next(): tf.Tensor;
	/** Frees what it holds; also to be called when some results were not taken. */
	stop(): void;
}

/**
 * Begins to run a function on files.
 *
 * @param options `ahead`: how many results are made ahead; `chunk`: how many files make up a result. Default: one
 */
export function mapFiles(
	paths: string[],
	fileFunction: FileFunction,
	options: { ahead: number; chunk?: number },
): FileResults {
	const key = JSON.stringify([fileFunction, options]);
	const session = idle.get(key)?.pop() ?? startSession(...pipeline(fileFunction, options));
	const names = tf.tensor1d(paths, "string");
	tf.dispose([names, session.run({ paths: names }, ["started:0"])]);
	const results: FileResults = {
		next: () => session.run({}, ["next:0"])[0],
		stop() {
			forgotten.unregister(results);
			idle.set(key, [...(idle.get(key) ?? []), session]);
		},
	};
	// tf.data does not tell a generator when nobody wants its batches any more.
	forgotten.register(results, session, results);
	return results;
}

/** Sessions that wait for the next files. */
const idle = new Map<string, Session[]>();
const forgotten = new FinalizationRegistry<Session>((session) => session.dispose());

/**
 * A `tensorflow.data.Options` with `autotune_options { enabled: false }`. TensorFlow's autotuning would have a thread
 * of its own, whose end can take half a minute, and all there is to tune is said.
 */
const NOT_AUTOTUNED = { s: Buffer.from("3a020800", "hex") };

/** A data set of paths, mapped to results; `started` begins anew with other paths, `next` gives a result. */
function pipeline(
	{ nodes: nodeDef, output, dtype, shape }: FileFunction,
	{ ahead, chunk }: { ahead: number; chunk?: number },
): [GraphNode[], GraphFunction[]] {
	const gives = (type: number, size: number[]) => ({
		output_types: { list: { type: [type] } },
		output_shapes: { list: { shape: [shapeProto(size)] } },
	});
	const [file, result] = [gives(dtype, shape), gives(dtype, chunk ? [-1, ...shape] : shape)];
	const long = (name: string, value: number) => constant(name, [], DType.int64, BigInt64Array.of(BigInt(value)));
	const path = { dtype: { type: DType.string }, shape: { shape: shapeProto([-1]) } };
	const { output_types: Toutput_types, output_shapes } = gives(DType.string, []);
	const map = { f: { func: { name: "map" } }, Targuments: { list: { type: [] } }, ...file };
	const inChunks = (size: number) => [
		long("chunk", size),
		constant("keepLast", [], DType.bool, Uint8Array.of(0)),
		node("results", "BatchDatasetV2", ["mapped", "chunk", "keepLast"], result),
	];
	const nodes: GraphNode[] = [
		node("paths", "Placeholder", [], path),
		// A copy: tfjs-node frees its strings with the tensor that was fed, whoever else still reads them.
		node("copied", "StringJoin", ["paths"], { N: { i: 1 } }),
		node("files", "TensorSliceDataset", ["copied"], { Toutput_types, output_shapes }),
		long("cores", availableParallelism()),
		node("mapped", "ParallelMapDatasetV2", ["files", "cores"], map),
		...(chunk ? inChunks(chunk) : []),
		long("ahead", ahead),
		node("prefetched", "PrefetchDataset", [chunk ? "results" : "mapped", "ahead"], result),
		node("tuned", "OptionsDataset", ["prefetched"], { serialized_options: NOT_AUTOTUNED, ...result }),
		node("iterator", "IteratorV2", [], {
			shared_name: textAttribute("iterator"),
			container: textAttribute(""),
			...result,
		}),
		node("start", "MakeIterator", ["tuned", "iterator"], {}),
		{ ...constant("started", [], DType.int32, Int32Array.of(1)), input: ["^start"] },
		node("next", "IteratorGetNext", ["iterator"], result),
	];
	const inputArg = [{ name: "path", type: DType.string }];
	const outputArg = [{ name: "result", type: dtype }];
	return [nodes, [{ signature: { name: "map", inputArg, outputArg }, nodeDef, ret: { result: output } }]];
}
