// What a checkpoint may hold: it can come from another machine, or be damaged.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import {
	integer,
	isRecord,
	listOf,
	mapOf,
	number,
	oneOf,
	orNull,
	type Rule,
	record,
	type Schema,
	text,
	validated,
} from "../support/schema";
import type { Curves } from "./history";

/** Tensors as bytes, with their shapes and dtypes. */
export type Encoded = { data: Uint8Array; specs: Awaited<ReturnType<typeof tf.io.encodeWeights>>["specs"] };

/** Contents of a checkpoint file, serialized by v8. The names are part of the file format. */
export interface Checkpoint {
	/** Number of finished epochs. */
	epoch: number;
	/** Whether a callback stopped training. */
	stopped: boolean;
	/** Duration of training so far. */
	seconds: number;
	/** Number of images trained on, over all epochs. */
	samples: number;
	history: Curves;
	/** Number of draws from each random generator, and of epochs started by each dataset. */
	counts: number[];
	learningRate: number;
	model: Encoded;
	optimizer: Encoded;
	powers: Encoded;
	memories: { values: Record<string, number | null>; weights: Encoded }[];
}

const COUNT = Number.MAX_SAFE_INTEGER;
const BYTES = { float32: 4, int32: 4, bool: 1 };

/** Accepts NaN and infinity too, which curves can hold. */
const anyNumber: Rule = (value) => (typeof value === "number" ? null : "a number");
const numbers = listOf(anyNumber);

const SPEC: Schema<{ name: string; shape: number[]; dtype: string }> = {
	name: text(1000),
	shape: listOf(integer(0, COUNT)),
	dtype: oneOf(...Object.keys(BYTES)),
};

/** Accepts tensors whose bytes are as many as their shapes and dtypes need. */
const encoded: Rule = (value) => {
	const { data, specs } = (isRecord(value) ? value : {}) as Partial<Encoded>;
	if (!(data instanceof Uint8Array && Array.isArray(specs))) return "tensors";
	let bytes = 0;
	for (const spec of specs) {
		const { shape, dtype } = validated(spec, SPEC);
		bytes += BYTES[dtype as keyof typeof BYTES] * shape.reduce((size, length) => size * length, 1);
	}
	return bytes === data.length ? null : `tensors of ${bytes} bytes, not ${data.length}`;
};

/** Accepts tensors without NaN and infinity. */
const finite: Rule = (value) => {
	const problem = encoded(value);
	if (problem) return problem;
	const { data, specs } = value as Encoded;
	// Only a copy begins at a multiple of four bytes.
	const isFloat = specs.every(({ dtype }) => dtype === "float32");
	return !isFloat || new Float32Array(data.slice().buffer).every(Number.isFinite) ? null : "tensors of numbers";
};

const MEMORY: Schema<Checkpoint["memories"][number]> = { values: mapOf(orNull(anyNumber)), weights: encoded };
const HISTORY: Schema<Curves> = { loss: numbers, acc: numbers, valLoss: numbers, valAcc: numbers };
const CHECKPOINT: Schema<Checkpoint> = {
	epoch: integer(0, COUNT),
	stopped: oneOf(true, false),
	seconds: number(0, COUNT),
	samples: integer(0, COUNT),
	history: record,
	counts: listOf(integer(0, COUNT)),
	learningRate: number(0, Number.MAX_VALUE),
	model: finite,
	optimizer: encoded,
	powers: encoded,
	memories: listOf(record),
};

/** Validates the contents of a checkpoint. @throws with the first field that is not valid */
export function validatedCheckpoint(value: unknown): Checkpoint {
	const checkpoint = validated<Checkpoint>(value, CHECKPOINT);
	const history = validated<Curves>(checkpoint.history, HISTORY);
	for (const [name, { length }] of Object.entries<number[]>({ ...history })) {
		if (length === 0 || length === checkpoint.epoch) continue;
		throw new Error(`${name} has ${length} epochs: expected ${checkpoint.epoch}`);
	}
	return { ...checkpoint, history, memories: checkpoint.memories.map((memory) => validated(memory, MEMORY)) };
}
