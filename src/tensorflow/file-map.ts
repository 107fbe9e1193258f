// Runs a graph on many files with TensorFlow's input pipeline (parallel, prefetched).
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { isReadable } from "../support/files";
import { DType } from "./backend";
import {
	constant,
	type GraphFunction,
	type GraphNode,
	integers,
	node,
	type Session,
	shapeProto,
	startSession,
	textAttribute,
} from "./graphdef";

/** A graph that computes a tensor from a file. */
export interface FileFunction {
	/** The nodes; their input is `path`, a string. */
	nodes: GraphNode[];
	/** The node output that is the result, as `"node:output:0"`. */
	output: string;
	/** The result's dtype, a number of `DType`. */
	dtype: number;
	/** The result's shape. */
	shape: number[];
}

/** The results of a file function, in the order of the files. */
export interface FileResults {
	/**
	 * Returns the next chunk: results as one tensor `[files, ...shape]`, and the indices of their files. Files on which the
	 * function failed are missing. `null` at the end.
	 */
	next(): { indices: Int32Array; values: tf.Tensor } | null;
	/** Releases the pipeline; must be called even when results are left. */
	stop(): void;
}

/** Options of `mapFiles`. */
export interface MapOptions {
	/** Results per chunk; the last chunk can be smaller. */
	chunk: number;
	/** Chunks that are computed ahead. */
	ahead: number;
}

/**
 * Starts to map a function over files, on all cores, and skips files on which it fails: those that cannot be read or
 * decoded. Pipes and devices, whose end TensorFlow would wait for, are skipped unopened.
 */
export function mapFiles(paths: string[], fileFunction: FileFunction, options: MapOptions): FileResults {
	const key = JSON.stringify([fileFunction, options]);
	const session = idleSessions.get(key)?.pop() ?? startSession(...pipeline(fileFunction, options));
	const names = tf.tensor1d(
		paths.map((path) => (isReadable(path) ? path : "")),
		"string",
	);
	tf.dispose([names, session.run({ paths: names }, ["started:0"])]);
	const results: FileResults = {
		next() {
			try {
				const [numbers, values] = session.run({}, ["next:0", "next:1"]);
				const indices = numbers.dataSync<"int32">();
				numbers.dispose();
				return { indices, values };
			} catch (error) {
				if (/End of sequence/.test((error as Error).message)) return null;
				throw error;
			}
		},
		stop() {
			abandoned.unregister(results);
			idleSessions.set(key, [...(idleSessions.get(key) ?? []), session]);
		},
	};
	// tf.data does not close a generator whose batches are no longer read, so `stop` may never be called.
	abandoned.register(results, session, results);
	return results;
}

/** The results of a file function, one for each file. */
export interface OrderedResults {
	/** Returns the next file's result, flat; `null` when the function failed on the file. */
	next(): Int32Array | Float32Array | null;
	/** Waits for the first chunk: from then on TensorFlow computes the following ones in the background. */
	begin(): void;
	/** Releases the pipeline; must be called even when results are left. */
	stop(): void;
}

/** Starts to map a function over files, as `mapFiles`, with one result for each file. */
export function mapFilesInOrder(paths: string[], fileFunction: FileFunction, options: MapOptions): OrderedResults {
	const results = mapFiles(paths, fileFunction, options);
	const size = fileFunction.shape.reduce((product, length) => product * length, 1);
	// The chunk at hand: file indices (null at the end), values, and how many of them were taken.
	let indices: Int32Array | null = new Int32Array();
	let chunk: Int32Array | Float32Array = new Int32Array();
	let [taken, file] = [0, 0];
	const begin = () => {
		if (taken !== indices?.length) return;
		const { indices: numbers, values } = results.next() ?? { indices: null, values: null };
		indices = numbers;
		if (values) chunk = values.dataSync() as Int32Array | Float32Array;
		values?.dispose();
		taken = 0;
	};
	return {
		begin,
		next() {
			begin();
			if (indices?.[taken] !== file++) return null;
			taken++;
			return chunk.subarray((taken - 1) * size, taken * size);
		},
		stop: results.stop,
	};
}

/** Stopped pipelines by function and options, for the next call: to start a session takes longer than to restart it. */
const idleSessions = new Map<string, Session[]>();

/** Disposes pipelines that are garbage-collected without `stop`. */
const abandoned = new FinalizationRegistry<Session>((session) => session.dispose());

/**
 * A serialized `tensorflow.data.Options` with `autotune_options { enabled: false }`. Autotuning runs a thread that can take
 * half a minute to end, and here all parameters are given.
 */
const NOT_AUTOTUNED = { s: Buffer.from("3a020800", "hex") };

/** The graph of an input pipeline: `started` restarts it with other paths, `next` returns a chunk of results. */
function pipeline(fileFunction: FileFunction, options: MapOptions): [GraphNode[], GraphFunction[]] {
	return [pipelineNodes(fileFunction, options), [mapFunction(fileFunction)]];
}

/** The attributes of a dataset node that declare its elements. */
const elements = (types: number[], shapes: number[][]) => ({
	output_types: { list: { type: types } },
	output_shapes: { list: { shape: shapes.map(shapeProto) } },
});

const long = (name: string, value: number) => constant(name, [], DType.int64, BigInt64Array.of(BigInt(value)));

function pipelineNodes({ dtype, shape }: FileFunction, { chunk, ahead }: MapOptions): GraphNode[] {
	const types = [DType.int32, dtype];
	const [result, chunks] = [elements(types, [[], shape]), elements(types, [[-1], [-1, ...shape]])];
	const { output_types: Toutput_types, output_shapes } = elements([DType.string, DType.int32], [[], []]);
	const noArguments = { Targuments: { list: { type: [] } } };
	const map = { f: { func: { name: "map" } }, ...noArguments, ...result };
	return [
		node("paths", "Placeholder", [], { dtype: { type: DType.string }, shape: { shape: shapeProto([-1]) } }),
		// A copy: tfjs-node frees the strings of a fed tensor with the tensor, while the pipeline still reads them.
		node("copied", "StringJoin", ["paths"], { N: { i: 1 } }),
		integers("zero", [], 0),
		integers("one", [], 1),
		node("count", "Size", ["copied"], { T: { type: DType.string }, out_type: { type: DType.int32 } }),
		node("indices", "Range", ["zero", "count", "one"], { Tidx: { type: DType.int32 } }),
		node("files", "TensorSliceDataset", ["copied", "indices"], { Toutput_types, output_shapes }),
		long("cores", availableParallelism()),
		node("mapped", "ParallelMapDatasetV2", ["files", "cores"], map),
		node("good", "IgnoreErrorsDataset", ["mapped"], result),
		long("chunk", chunk),
		constant("keepLast", [], DType.bool, Uint8Array.of(0)),
		node("chunks", "BatchDatasetV2", ["good", "chunk", "keepLast"], chunks),
		long("ahead", ahead),
		node("prefetched", "PrefetchDataset", ["chunks", "ahead"], chunks),
		node("tuned", "OptionsDataset", ["prefetched"], { serialized_options: NOT_AUTOTUNED, ...chunks }),
		node("iterator", "IteratorV2", [], { shared_name: textAttribute("it"), container: textAttribute(""), ...chunks }),
		node("start", "MakeIterator", ["tuned", "iterator"]),
		{ ...constant("started", [], DType.int32, Int32Array.of(1)), input: ["^start"] },
		node("next", "IteratorGetNext", ["iterator"], chunks),
	];
}

/** The function that the pipeline maps over files: `(path, index)` to `(index, result)`. */
function mapFunction({ nodes: nodeDef, output, dtype }: FileFunction): GraphFunction {
	const index = { name: "index", type: DType.int32 };
	const inputArg = [{ name: "path", type: DType.string }, index];
	const outputArg = [
		{ ...index, name: "number" },
		{ name: "value", type: dtype },
	];
	return { signature: { name: "map", inputArg, outputArg }, nodeDef, ret: { number: "index", value: output } };
}
