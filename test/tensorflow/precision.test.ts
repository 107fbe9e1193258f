// Precisions: what is rounded, what stays float32, and models of different precision side by side.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn, setPrecision } from "../../src/cnn";
import { evaluate, predict } from "../../src/evaluation";
import { traced } from "../../src/tensorflow/graph";
import { type Arithmetic, arithmeticFor, hasBfloat16 } from "../../src/tensorflow/precision";
import { compile, train } from "../../src/training";
import { printed } from "../helpers";
import { batchesOf } from "../tensors";

/** Rounds to the nearest bfloat16, of two equally near ones to the even one. */
function toBfloat16(value: number): number {
	const bits = new Uint32Array(Float32Array.of(value).buffer);
	bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
	return new Float32Array(bits.buffer)[0];
}

/** Ways to compute with bfloat16 on this machine. */
const arithmetics: Arithmetic[] = ["emulated bfloat16", ...(hasBfloat16() ? (["bfloat16"] as const) : [])];
/** The difference of neighbouring bfloat16 numbers, relative to them. */
const STEP = 2 ** -7;

for (const arithmetic of arithmetics) {
	test(`in ${arithmetic} a matrix product has rounded factors and a rounded result; a sum is float32`, () => {
		const [a, b] = [tf.randomNormal([20, 300], 0, 1, "float32", 1), tf.randomNormal([300, 30], 0, 1, "float32", 2)];
		const [product, sum] = traced(([x, y]) => [x.matMul(y), x.add(1e-3)], arithmetic)([a, b]);
		const [rows, columns] = [a.arraySync() as number[][], b.arraySync() as number[][]];
		const exact = rows.map((row) =>
			columns[0].map((_, j) => row.reduce((total, x, k) => total + toBfloat16(x) * toBfloat16(columns[k][j]), 0)),
		);
		const found = product.arraySync() as number[][];
		found.flat().forEach((value, i) => {
			assert.equal(value, toBfloat16(value), "its result is a bfloat16");
			// float32 sums in another order: next to the boundary of two numbers the other one can be nearer.
			const expected = exact.flat()[i];
			assert.ok(Math.abs(value - expected) <= Math.abs(expected) * STEP + 1e-4, `${value} instead of ${expected}`);
		});
		assert.deepEqual(sum.dataSync(), a.add(1e-3).dataSync());
	});
}

const images = tf.randomUniform([24, 22, 22, 3], 0, 255, "float32", 3);
const labels = tf.tensor1d(Array.from({ length: 24 }, (_, i) => i % 2));
const data = () => batchesOf(images, labels, 8);

/** Trains a small network for two epochs. */
async function trained(precision: string) {
	const model = cnn({ inputShape: [22, 22, 3], filters: [8, 8], denseUnits: 16, dropout: 0, seed: 5, precision });
	compile(model);
	const { loss } = await train(model, data(), { epochs: 2, onProgress: null });
	return { model, loss };
}

test("networks of different precision train side by side, and float32 computes what it does alone", async () => {
	const alone = await trained("float32");
	const mixed = await trained("mixed_bfloat16");
	const beside = await trained("float32");
	assert.deepEqual(beside.loss, alone.loss);
	assert.notDeepEqual(mixed.loss, alone.loss);
	mixed.loss.forEach((loss, i) => {
		assert.ok(Math.abs(loss - alone.loss[i]) < 0.05 * alone.loss[i], `${loss}, in float32 ${alone.loss[i]}`);
	});
	const again = await trained("mixed_bfloat16");
	assert.deepEqual(again.loss, mixed.loss);
});

test("variables, probabilities and losses stay float32 in mixed_bfloat16", async () => {
	const { model } = await trained("mixed_bfloat16");
	const weights = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
	assert.ok(weights.some((weight) => weight !== toBfloat16(weight)));
	const { probabilities } = await predict(model, data());
	for (const row of probabilities) assert.ok(Math.abs(row[0] + row[1] - 1) < 1e-6);
	const { loss } = await evaluate(model, data());
	// With a learning rate of 0 an epoch of one batch computes the loss and changes nothing.
	compile(model, 0);
	const { loss: ofStep } = await train(model, batchesOf(images, labels, 24), { epochs: 1, onProgress: null });
	assert.notEqual(ofStep[0], toBfloat16(ofStep[0]));
	// The graphs of training and of prediction need not round at the same places.
	assert.ok(Math.abs(ofStep[0] - loss) < 0.02 * loss, `${ofStep[0]}, from predictions ${loss}`);
});

test("a model keeps its precision when it is compiled again, and predicts in it", async () => {
	const { model } = await trained("float32");
	const inFloat32 = await predict(model, data());
	setPrecision(model, "mixed_bfloat16");
	compile(model);
	const mixed = await predict(model, data());
	assert.notDeepEqual(mixed.logProbabilities, inFloat32.logProbabilities);
	setPrecision(model, "float32");
	assert.deepEqual(await predict(model, data()), inFloat32);
});

test("auto is bfloat16 where the processor multiplies it and float32 elsewhere; each is said once", async () => {
	const lines = await printed(() => {
		for (const _ of [1, 2]) {
			assert.equal(arithmeticFor("auto", true), "bfloat16");
			assert.equal(arithmeticFor("auto", false), "float32");
			assert.equal(arithmeticFor("mixed_bfloat16", true), "bfloat16");
		}
	});
	assert.match(
		lines,
		/^precision "auto" is mixed_bfloat16 here: .*hardware\.\nprecision "auto" is float32 here: .*\.$/,
	);
	assert.throws(
		() => cnn({ precision: "bfloat16" }),
		/^Error: precision is "bfloat16": expected float32, mixed_bfloat16, auto$/,
	);
});
