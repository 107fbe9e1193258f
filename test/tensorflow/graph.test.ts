import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType } from "../../src/tensorflow/backend";
import { traced } from "../../src/tensorflow/graph";
import { constant, startSession } from "../../src/tensorflow/graphdef";
import { liveNumber } from "../../src/tensorflow/trace";
import { CannotTrace } from "../../src/tensorflow/trace-nodes";

const numbers = (tensor: tf.Tensor) => [...tensor.dataSync()];

describe("a traced function", () => {
	test("returns the function's results, for each shape of its inputs", () => {
		const step = ([a, b]: tf.Tensor[]) => [a.matMul(b).relu().sum(0), tf.softmax(a), a.transpose().argMax(0)];
		const graph = traced(step);
		for (const rows of [2, 3, 2, 5]) {
			const inputs = [tf.randomNormal([rows, 4]), tf.randomNormal([4, 6])];
			const expected = step(inputs);
			graph(inputs).forEach((output, i) => {
				assert.deepEqual(output.shape, expected[i].shape);
				assert.equal(output.dtype, expected[i].dtype);
				assert.ok(output.sub(expected[i]).abs().max().dataSync()[0] < 1e-5);
			});
		}
	});

	test("traces once, and reads live numbers at each run", () => {
		let [traces, factor] = [0, 2];
		const graph = traced(([x]) => {
			traces++;
			return [x.mul(liveNumber(() => factor))];
		});
		assert.deepEqual(numbers(graph([tf.tensor1d([1, 2])])[0]), [2, 4]);
		factor = 5;
		assert.deepEqual(numbers(graph([tf.tensor1d([1, 3])])[0]), [5, 15]);
		assert.equal(traces, 1);
	});

	test("leaks no tensors, neither when tracing nor when running", () => {
		const variable = tf.variable(tf.ones([2]));
		const graph = traced(([x]) => {
			variable.assign(variable.add(x));
			return [variable.mul(2)];
		});
		const before = tf.memory().numTensors;
		for (let run = 0; run < 3; run++) {
			const x = tf.ones([2]);
			tf.dispose([x, graph([x])]);
		}
		assert.equal(tf.memory().numTensors, before);
	});
});

describe("variables", () => {
	test("are read and assigned as by the eager function", () => {
		const count = tf.variable(tf.scalar(1));
		const graph = traced(([x]) => {
			const before = count.mul(10);
			count.assign(count.add(x));
			return [before, count.clone()];
		});
		assert.deepEqual(graph([tf.scalar(2)]).flatMap(numbers), [10, 3]);
		assert.deepEqual(graph([tf.scalar(4)]).flatMap(numbers), [30, 7]);
		assert.deepEqual(numbers(count), [7]);
		count.assign(tf.scalar(-1));
		assert.deepEqual(graph([tf.scalar(1)]).flatMap(numbers), [-10, 0]);
		assert.deepEqual(numbers(count), [0]);
	});

	test("are shared by several graphs, in any order of runs", () => {
		const total = tf.variable(tf.scalar(0));
		const [add, double] = [
			traced(([x]) => {
				total.assign(total.add(x));
				return [total.clone()];
			}),
			traced(([x]) => {
				total.assign(total.mul(x));
				return [total.clone()];
			}),
		];
		let expected = 0;
		for (const [graph, by] of [
			[add, 3],
			[add, 1],
			[double, 2],
			[add, 1],
			[double, 2],
			[double, 3],
		] as const) {
			expected = graph === add ? expected + by : expected * by;
			tf.dispose(graph([tf.scalar(by)]));
		}
		assert.deepEqual(numbers(total), [expected]);
		const copy = total.clone();
		tf.dispose(add([tf.scalar(100)]));
		assert.deepEqual(numbers(copy), [expected], "a copy keeps its value");
	});

	test("keep their values when tracing fails", () => {
		const value = tf.variable(tf.scalar(4));
		const graph = traced(([x]) => {
			value.assign(x.asScalar());
			return [tf.scalar(value.dataSync()[0])];
		});
		assert.throws(() => graph([tf.scalar(9)]), CannotTrace);
		assert.deepEqual(numbers(value), [4]);
		assert.ok(Math.random() < 1, "Math.random works again");
	});
});

describe("CannotTrace names what a graph cannot express:", () => {
	const outside = tf.scalar(3);
	outside.add(1).dispose();
	const cases: [RegExp, (x: tf.Tensor) => tf.Tensor][] = [
		[/reads values in JavaScript/, (x) => x.mul(x.dataSync()[0])],
		[/draws random numbers in JavaScript/, (x) => x.add(tf.randomNormal([2]))],
		[/neither its input nor a variable/, (x) => x.mul(outside)],
		[/complex64/, (x) => tf.complex(x, x)],
	];
	for (const [message, step] of cases) {
		test(String(message), () => {
			assert.throws(
				() => traced(([x]) => [step(x)])([tf.ones([2])]),
				(error: Error) => {
					assert.ok(error instanceof CannotTrace);
					assert.match(error.message, message);
					return true;
				},
			);
		});
	}
});

test("an unknown operation is named", () => {
	const nodes = [{ name: "odd", op: "NoSuchOperation", input: [], attr: {} }];
	assert.throws(() => startSession(nodes), /NoSuchOperation/);
});

test("constants with one value and with many have all values", () => {
	const session = startSession([
		constant("same", [2, 3], DType.float32, new Float32Array(6).fill(0.5)),
		constant("many", [3], DType.float32, Float32Array.of(1, -2, 3.5)),
		constant("whole", [2], DType.int32, Int32Array.of(7, -8)),
	]);
	const [same, many, whole] = session.run({}, ["same:0", "many:0", "whole:0"]);
	assert.deepEqual([same.shape, numbers(same)], [[2, 3], Array(6).fill(0.5)]);
	assert.deepEqual(
		[numbers(many), numbers(whole)],
		[
			[1, -2, 3.5],
			[7, -8],
		],
	);
	session.dispose();
	assert.throws(() => session.run({}, ["same:0"]));
});
