// Runs a graph on many files with TensorFlow's input pipeline (parallel, prefetched).
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-node-gpu";
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

/** From a file to a tensor. */
export interface FileFunction {
	/** They read `path`, a string. */
	nodes: GraphNode[];
	/** Which node's output is the result, as `"node:output:0"`. */
	output: string;
	dtype: number;
	/** The result's shape. */
	shape: number[];
}

/** What the function gave, in the order of the files. */
export interface FileResults {
	/**
	 * The results of the next files that did not fail, as one tensor `[files, ...shape]`, and which files they are of;
	 * `null` at the end.
	 */
	next(): { indices: Int32Array; values: tf.Tensor } | null;
	/** Frees what it holds; also to be called when some results were not taken. */
	stop(): void;
}

export interface MapOptions {
	/** How many results come at a time. The last time fewer come. */
	chunk: number;
	/** How many chunks are made ahead. */
	ahead: number;
}

/** Begins to run a function on files; those on which it fails, which cannot be read or decoded, are left out. */
export function mapFiles(paths: string[], fileFunction: FileFunction, options: MapOptions): FileResults {
	const key = JSON.stringify([fileFunction, options]);
	const session = idle.get(key)?.pop() ?? startSession(...pipeline(fileFunction, options));
	const names = tf.tensor1d(paths, "string");
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
			forgotten.unregister(results);
			idle.set(key, [...(idle.get(key) ?? []), session]);
		},
	};
	// tf.data does not tell a generator when nobody wants its batches any more.
	forgotten.register(results, session, results);
	return results;
}

/** Results in the order of the files. */
export interface OrderedResults {
	/** The next file's result, flat; `null` when the function failed on it. */
	next(): Int32Array | Float32Array | null;
	/** Waits for the first results, so that TensorFlow computes the next ones meanwhile. */
	begin(): void;
	/** Frees what it holds; also to be called when some results were not taken. */
	stop(): void;
}

/** Begins to run a function on files, and gives its results file by file, also for those on which it fails. */
export function mapFilesInOrder(paths: string[], fileFunction: FileFunction, options: MapOptions): OrderedResults {
	const results = mapFiles(paths, fileFunction, options);
	const size = fileFunction.shape.reduce((product, length) => product * length, 1);
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

/** Sessions that wait for the next files. */
const idle = new Map<string, Session[]>();
const forgotten = new FinalizationRegistry<Session>((session) => session.dispose());

/**
 * A `tensorflow.data.Options` with `autotune_options { enabled: false }`. TensorFlow's autotuning would have a thread
 * of its own, whose end can take half a minute, and all there is to tune is said.
 */
const NOT_AUTOTUNED = { s: Buffer.from("3a020800", "hex") };

/** A data set of paths, mapped to results; `started` begins anew with other paths, `next` gives a chunk. */
function pipeline(
	{ nodes: nodeDef, output, dtype, shape }: FileFunction,
	{ chunk, ahead }: MapOptions,
): [GraphNode[], GraphFunction[]] {
	const gives = (types: number[], shapes: number[][]) => ({
		output_types: { list: { type: types } },
		output_shapes: { list: { shape: shapes.map(shapeProto) } },
	});
	const types = [DType.int32, dtype];
	const [result, chunks] = [gives(types, [[], shape]), gives(types, [[-1], [-1, ...shape]])];
	const { output_types: Toutput_types, output_shapes } = gives([DType.string, DType.int32], [[], []]);
	const long = (name: string, value: number) => constant(name, [], DType.int64, BigInt64Array.of(BigInt(value)));
	const noArguments = { Targuments: { list: { type: [] } } };
	const nodes: GraphNode[] = [
		node("paths", "Placeholder", [], { dtype: { type: DType.string }, shape: { shape: shapeProto([-1]) } }),
		// A copy: tfjs-node frees its strings with the tensor that was fed, whoever else still reads them.
		node("copied", "StringJoin", ["paths"], { N: { i: 1 } }),
		integers("zero", [], 0),
		integers("one", [], 1),
		node("count", "Size", ["copied"], { T: { type: DType.string }, out_type: { type: DType.int32 } }),
		node("indices", "Range", ["zero", "count", "one"], { Tidx: { type: DType.int32 } }),
		node("files", "TensorSliceDataset", ["copied", "indices"], { Toutput_types, output_shapes }),
		long("cores", availableParallelism()),
		node("mapped", "ParallelMapDatasetV2", ["files", "cores"], {
			f: { func: { name: "map" } },
			...noArguments,
			...result,
		}),
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
	const index = { name: "index", type: DType.int32 };
	const inputArg = [{ name: "path", type: DType.string }, index];
	const outputArg = [
		{ ...index, name: "number" },
		{ name: "value", type: dtype },
	];
	const ret = { number: "index", value: output };
	return [nodes, [{ signature: { name: "map", inputArg, outputArg }, nodeDef, ret }]];
}
