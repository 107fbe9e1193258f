// Helpers of tests that compare tensors with recorded ones, or train on a few.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../src/datasets/types";

/** A tensor as `record.py` writes it. */
export type Recorded = { shape: number[]; data: string };

export function values({ data }: Recorded): Float32Array {
	const bytes = Buffer.from(data, "base64");
	return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export function toTensor(recorded: Recorded): tf.Tensor {
	return tf.tensor(values(recorded), recorded.shape);
}

/** Asserts that shapes are equal and values differ by at most `tolerance`. */
export function assertClose(actual: tf.Tensor, expected: Recorded, tolerance: number, what: string): void {
	assert.deepEqual(actual.shape, expected.shape, `${what}: shape`);
	const [a, b] = [actual.dataSync(), values(expected)];
	let worst = 0;
	for (let i = 0; i < b.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
	assert.ok(worst <= tolerance, `${what}: differs by up to ${worst}`);
}

/** Returns a dataset of fixed tensors in batches. Batches are copies, since training disposes them. */
export function batchesOf(xs: tf.Tensor, ys: tf.Tensor, size: number): tf.data.Dataset<Batch> {
	const count = Math.ceil(xs.shape[0] / size);
	const at = (tensor: tf.Tensor, i: number) => tensor.slice(i * size, Math.min(size, tensor.shape[0] - i * size));
	const data = tf.data.generator(function* () {
		for (let i = 0; i < count; i++) yield { xs: at(xs, i) as tf.Tensor4D, ys: at(ys, i) };
	});
	return Object.assign(data, { size: count });
}
