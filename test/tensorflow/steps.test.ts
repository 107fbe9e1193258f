import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import type { Batch } from "../../src/datasets/types";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { nodeBackend } from "../../src/tensorflow/backend";
import { compiledModel } from "../../src/tensorflow/layers-model";
import { predictStep } from "../../src/tensorflow/steps";
import { type TrainOptions, train } from "../../src/training/train";
import { printed } from "../helpers";

const { layers } = tf;
const input = { inputShape: [10, 12, 3] };

/** Builds a model with fixed weights, so that two models start the same. */
function build(...parts: tf.layers.Layer[]): tf.Sequential {
	return withFixedWeights(tf.sequential({ layers: parts }));
}

function withFixedWeights<M extends tf.LayersModel>(model: M): M {
	model.setWeights(
		model.getWeights().map((weight, i) =>
			// Not zero, where ReLU's gradient is ambiguous, and not large. Variances must be positive.
			tf.randomUniform(weight.shape, weight.rank === 1 ? 0.05 : -0.2, weight.rank === 1 ? 0.4 : 0.2, "float32", i + 1),
		),
	);
	return model;
}

const softmax = (units = 3) => layers.dense({ units, activation: "softmax" });
const flatten = () => layers.flatten();
const models: Record<string, () => tf.LayersModel> = {
	"cnn()": () =>
		withFixedWeights(cnn({ inputShape: [24, 24, 3], filters: [4, 8], denseUnits: 6, classes: 3, seed: 1 })),
	"cnn() with batch normalization and averages": () =>
		withFixedWeights(
			cnn({
				inputShape: [24, 24, 3],
				filters: [4, 8],
				denseUnits: 6,
				classes: 3,
				batchNormalization: true,
				globalAveragePooling: true,
				seed: 1,
			}),
		),
	"strides, same padding, no bias": () =>
		build(
			layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same", activation: "relu", ...input }),
			layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
			layers.conv2d({ filters: 4, kernelSize: 2, useBias: false, activation: "relu" }),
			layers.maxPooling2d({ poolSize: 2 }),
			flatten(),
			softmax(),
		),
	"depthwise and separable": () =>
		build(
			layers.depthwiseConv2d({ kernelSize: 3, activation: "relu", ...input }),
			layers.separableConv2d({ filters: 5, kernelSize: 3, activation: "relu" }),
			layers.averagePooling2d({ poolSize: 2 }),
			flatten(),
			softmax(),
		),
	"other activations and paddings": () =>
		build(
			layers.zeroPadding2d({ padding: 1, ...input }),
			layers.conv2d({ filters: 3, kernelSize: 3, activation: "elu" }),
			layers.leakyReLU({ alpha: 0.1 }),
			layers.globalMaxPooling2d({}),
			layers.dense({ units: 5, activation: "tanh" }),
			layers.dense({ units: 5, activation: "sigmoid" }),
			softmax(),
		),
	"L2 and dropout": () =>
		build(
			layers.flatten(input),
			layers.dropout({ rate: 0.3, seed: 4 }),
			layers.dense({ units: 6, activation: "relu", kernelRegularizer: tf.regularizers.l2({ l2: 0.1 }) }),
			softmax(),
		),
	"two branches that are concatenated": () => {
		const start = tf.input({ shape: [10, 12, 3] });
		const convolved = layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "relu" });
		const left = convolved.apply(start) as tf.SymbolicTensor;
		const pooled = layers.maxPooling2d({ poolSize: 2 }).apply(left) as tf.SymbolicTensor;
		const right = layers.averagePooling2d({ poolSize: 2 }).apply(left) as tf.SymbolicTensor;
		const joined = layers.concatenate().apply([pooled, right]) as tf.SymbolicTensor;
		const flat = flatten().apply(joined) as tf.SymbolicTensor;
		return withFixedWeights(tf.model({ inputs: start, outputs: softmax().apply(flat) as tf.SymbolicTensor }));
	},
};

type Settings = { optimizer?: tf.Optimizer; loss?: string; labels?: tf.Tensor; weights?: tf.Tensor };

/** Returns seven images in batches of three: the last batch is smaller. */
function batches(model: tf.LayersModel, { labels, weights }: Settings = {}): tf.data.Dataset<Batch> {
	const shape = model.inputs[0].shape.slice(1) as number[];
	const xs = tf.randomUniform([7, ...shape] as [number, number, number, number], 0, 1, "float32", 9) as tf.Tensor4D;
	const ys = labels ?? tf.tensor1d([0, 1, 2, 1, 0, 2, 2]);
	const part = <T extends tf.Tensor>(tensor: T, from: number) => tensor.slice(from, Math.min(3, 7 - from)) as T;
	const data = tf.data.generator(function* (): Generator<Batch> {
		for (const from of [0, 3, 6]) {
			const batch = { xs: part(xs, from), ys: part(ys, from) };
			yield weights ? { ...batch, sampleWeights: part(weights, from) } : batch;
		}
	});
	return Object.assign(data, { size: 3 });
}

function compile(model: tf.LayersModel, { optimizer, loss }: Settings = {}): void {
	model.compile({
		optimizer: optimizer ?? tf.train.sgd(0.5),
		loss: loss ?? "sparseCategoricalCrossentropy",
		metrics: ["accuracy"],
	});
}

const quiet: TrainOptions = { epochs: 2, onProgress: null };

async function trained(make: () => tf.LayersModel, settings: () => Settings, options: TrainOptions) {
	const model = make();
	compile(model, settings());
	const validationData = batches(model, { ...settings(), weights: undefined });
	const { loss, acc, valLoss, valAcc } = await train(model, batches(model, settings()), {
		...quiet,
		validationData,
		...options,
	});
	return { model, curves: [...loss, ...acc, ...valLoss, ...valAcc] };
}

function assertSame(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
	assert.equal(actual.length, expected.length, what);
	for (let i = 0; i < actual.length; i++) {
		const difference = Math.abs(actual[i] - expected[i]);
		assert.ok(difference <= tolerance, `${what}, value ${i}: ${actual[i]}, expected ${expected[i]}`);
	}
}

/** Trains twice, with graphs and eagerly, and compares all weights and curves. */
async function assertGraphIsEager(make: () => tf.LayersModel, settings = (): Settings => ({}), options = {}) {
	let fast: Awaited<ReturnType<typeof trained>> | undefined;
	const output = await printed(async () => {
		fast = await trained(make, settings, options);
	});
	assert.equal(output, "", "it must run as a graph");
	const eager = await trained(make, settings, { ...options, fast: false });
	assert.ok(fast);
	assertSame(fast.curves, eager.curves, 1e-5, "curves");
	const expected = eager.model.getWeights().map((weight) => weight.dataSync());
	fast.model.getWeights().forEach((weight, i) => {
		assertSame(weight.dataSync(), expected[i], 1e-5, `weights ${i}`);
	});
}

describe("a graph trains as eager tf.layers, to 1e-5:", () => {
	for (const [name, make] of Object.entries(models)) {
		test(name, () => assertGraphIsEager(make));
	}
	const optimizers: Record<string, () => tf.Optimizer> = {
		momentum: () => tf.train.momentum(0.1, 0.9),
		"Nesterov momentum": () => tf.train.momentum(0.1, 0.9, true),
		// With a tiny epsilon Keras's and tfjs's formulas of Adam agree.
		Adam: () => tf.train.adam(0.001, 0.9, 0.999, 1e-12),
	};
	for (const [name, optimizer] of Object.entries(optimizers)) {
		test(name, () => assertGraphIsEager(models["cnn()"], () => ({ optimizer: optimizer() })));
	}
	const dense = (units: number, activation: "softmax" | "sigmoid" | "linear") => () =>
		build(layers.flatten(input), layers.dense({ units, activation }));
	const one = tf.tensor2d([0, 1, 1, 1, 0, 1, 0], [7, 1]);
	const losses: Record<string, [() => tf.LayersModel, string, tf.Tensor]> = {
		categorical: [
			dense(3, "softmax"),
			"categoricalCrossentropy",
			tf.oneHot(tf.tensor1d([0, 1, 2, 1, 0, 2, 2], "int32"), 3).toFloat(),
		],
		binary: [dense(1, "sigmoid"), "binaryCrossentropy", one],
		MSE: [dense(1, "linear"), "meanSquaredError", one],
	};
	for (const [name, [make, loss, labels]] of Object.entries(losses)) {
		const optimizer = () => tf.train.sgd(0.01);
		test(`${name} loss`, () => assertGraphIsEager(make, () => ({ loss, labels, optimizer: optimizer() })));
	}
	test("class weights", () => assertGraphIsEager(models["cnn()"], undefined, { classWeight: { 0: 1, 1: 5, 2: 0.5 } }));
	test("sample weights, and both", async () => {
		const weights = () => ({ weights: tf.tensor1d([0, 2, 1, 1, 3, 0.5, 1]) });
		await assertGraphIsEager(models["cnn()"], weights);
		await assertGraphIsEager(models["cnn()"], weights, { classWeight: { 0: 1, 1: 5, 2: 0.5 } });
	});
});

test("sample weights: with all weight on one sample, training is that of this sample alone", async () => {
	const make = () => build(layers.flatten(input), softmax());
	const last = tf.tensor1d([0, 0, 0, 0, 0, 0, 1]);
	const { model } = await trained(make, () => ({ weights: last }), { epochs: 1 });
	const alone = make();
	compile(alone);
	const full = batches(alone);
	const data = Object.assign(full.skip(2), { size: 1 });
	await train(alone, data, { ...quiet, epochs: 1 });
	assertSame(model.getWeights()[0].dataSync(), alone.getWeights()[0].dataSync(), 1e-6, "weights");
});

/** Returns the number of loaded graphs; those of other tests can be disposed at any time. */
const sessions = () => (nodeBackend().binding as unknown as { getNumOfSavedModels(): number }).getNumOfSavedModels();

describe("while a graph trains", () => {
	test("a new learning rate applies from the next step on, without a new graph", async () => {
		const model = models["cnn()"]();
		const optimizer = tf.train.sgd(0.5);
		compile(model, { optimizer });
		await train(model, batches(model), { ...quiet, epochs: 1 });
		const [loaded, before] = [sessions(), model.getWeights().map((weight) => weight.dataSync())];
		optimizer.setLearningRate(0);
		await train(model, batches(model), { ...quiet, epochs: 1 });
		model.getWeights().forEach((weight, i) => {
			assert.deepEqual(weight.dataSync(), before[i]);
		});
		assert.ok(sessions() <= loaded);
	});

	test("callbacks read the weights of the last step, and can set others", async () => {
		const sums: number[][] = [];
		const trainWithCallback = async (fast: boolean) => {
			const model = models["cnn()"]();
			compile(model);
			const kernel = model.layers[0];
			const values: number[] = [];
			const onBatchEnd = async (batch: number) => {
				values.push(kernel.getWeights()[0].sum().dataSync()[0]);
				if (batch === 1) kernel.setWeights([kernel.getWeights()[0].mul(0.5), kernel.getWeights()[1]]);
			};
			await train(model, batches(model), { ...quiet, fast, callbacks: [new tf.CustomCallback({ onBatchEnd })] });
			sums.push(values);
		};
		await trainWithCallback(true);
		await trainWithCallback(false);
		assert.equal(sums[0].length, 6);
		assertSame(sums[0], sums[1], 1e-5, "sums");
		assert.equal(new Set(sums[0]).size, 6);
	});

	test("the optimizer keeps its state: eager training continues from it, and the graph again", async () => {
		const run = async (modes: boolean[]) => {
			const model = models["cnn()"]();
			compile(model, { optimizer: tf.train.momentum(0.1, 0.9) });
			for (const fast of modes) await train(model, batches(model), { ...quiet, fast });
			assert.equal((model.optimizer as unknown as { iterations: number }).iterations, 6 * modes.length);
			return model.getWeights().flatMap((weight) => [...weight.dataSync()]);
		};
		assertSame(await run([true, false, true]), await run([false, false, false]), 1e-5, "weights");
	});

	test("no tensor leaks, and no graph is loaded after the first epoch", async () => {
		const model = models["cnn() with batch normalization and averages"]();
		compile(model, { optimizer: tf.train.adam() });
		const [data, validationData] = [batches(model), batches(model)];
		await train(model, data, { ...quiet, validationData });
		const [tensors, loaded] = [tf.memory().numTensors, sessions()];
		await train(model, data, { ...quiet, validationData });
		assert.equal(tf.memory().numTensors, tensors);
		assert.ok(sessions() <= loaded);
	});
});

test("evaluation and prediction give the eager results", async () => {
	for (const [name, make] of Object.entries(models)) {
		const model = make();
		compile(model);
		const data = batches(model);
		const [fast, eager] = [await evaluate(model, data), await evaluate(model, data, { fast: false })];
		assertSame(Object.values(fast), Object.values(eager), 1e-5, name);
		const [quick, slow] = [await predict(model, data), await predict(model, data, { fast: false })];
		assertSame(quick.probabilities.flat(), slow.probabilities.flat(), 1e-5, name);
		assert.deepEqual(quick.yTrue, slow.yTrue);
	}
});

test("a convolution that is an output of the model, as for Grad-CAM, keeps its bias and ReLU", () => {
	const model = models["cnn()"]();
	const [convolution] = model.layers;
	const outputs = [convolution.output, model.output] as tf.SymbolicTensor[];
	const both = compiledModel(tf.model({ inputs: model.inputs, outputs }));
	const xs = tf.randomUniform([2, 24, 24, 3], 0, 1, "float32", 3);
	const [graph, eager] = [true, false].map((fast) => predictStep(both, (batch) => batch, { fast })([xs]));
	assert.equal(graph.length, 2);
	graph.forEach((output, i) => {
		assertSame(output.dataSync(), eager[i].dataSync(), 1e-5, `output ${i}`);
	});
});

describe("a model that cannot be traced runs eagerly, and one line says why:", () => {
	class Odd extends tf.layers.Layer {
		static className = "Odd";
		constructor(private readonly act: (input: tf.Tensor) => tf.Tensor) {
			super({});
		}
		override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
			return this.act([inputs].flat()[0]);
		}
	}
	const outside = tf.scalar(2);
	outside.dataSync();
	const cases: Record<string, [RegExp, () => tf.LayersModel, () => tf.Optimizer]> = {
		"another optimizer": [/its optimizer is RMSProp/, models["cnn()"], () => tf.train.rmsprop(0.001)],
		"values read in JavaScript": [
			/it reads values in JavaScript/,
			() => build(layers.flatten(input), new Odd((x) => x.mul(x.max().dataSync()[0])), softmax()),
			() => tf.train.sgd(0.01),
		],
		"random numbers of JavaScript": [
			/it draws random numbers in JavaScript/,
			() => build(layers.flatten(input), layers.gaussianNoise({ stddev: 1e-9 }), softmax()),
			() => tf.train.sgd(0.01),
		],
	};
	for (const [name, [reason, make, optimizer]] of Object.entries(cases)) {
		test(name, async () => {
			let fast: Awaited<ReturnType<typeof trained>> | undefined;
			const output = await printed(async () => {
				fast = await trained(make, () => ({ optimizer: optimizer() }), {});
			});
			assert.match(output, reason);
			assert.match(output, /^[^\n]*operation by operation[^\n]*$/);
			const eager = await trained(make, () => ({ optimizer: optimizer() }), { fast: false });
			assert.ok(fast);
			assertSame(fast.curves, eager.curves, 1e-5, "curves");
		});
	}
	test("a model that is not compiled", async () => {
		const model = models["cnn()"]();
		await assert.rejects(train(model, batches(model), quiet), /not compiled: call compile\(model\) first/);
	});
});
