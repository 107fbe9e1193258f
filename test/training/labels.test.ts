import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { gradCam } from "../../src/evaluation/gradcam";
import { predictImages } from "../../src/evaluation/predict-images";
import { compile } from "../../src/training/compile";
import { labelsOf } from "../../src/training/labels";
import { train } from "../../src/training/train";
import { batchesOf } from "../tensors";

type Activation = "sigmoid" | "softmax" | "linear" | "relu" | "hardSigmoid";
type Loss = string | ((yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor);

function build(units: number, activation: Activation, loss?: Loss, metrics = ["accuracy"]): tf.Sequential {
	const model = tf.sequential({
		layers: [
			tf.layers.conv2d({ inputShape: [4, 4, 3], filters: 2, kernelSize: 3 }),
			tf.layers.flatten(),
			tf.layers.dense({ units, activation }),
		],
	});
	if (loss) model.compile({ optimizer: "sgd", loss: loss as string, metrics });
	return model;
}

const xs = tf.randomUniform([4, 4, 4, 3], 0, 1, "float32", 1) as tf.Tensor4D;
const oneHot = (classes: number) => tf.oneHot(tf.tensor1d([0, 1, classes - 1, 0], "int32"), classes).toFloat();
const int = tf.tensor1d([0, 1, 1, 0]);
const binary = int.expandDims(1);
const data = (ys: tf.Tensor) => batchesOf(xs, ys, 2);

describe("an output layer that gives no probabilities of exclusive classes is refused, with the reason", () => {
	const refused: [string, number, Activation, RegExp][] = [
		["one softmax unit", 1, "softmax", /dense\S* is one softmax unit, which is always 1: use activation: "sigmoid"/],
		["three hard sigmoid units", 3, "hardSigmoid", /dense\S* has 3 hardSigmoid units, .* use activation: "softmax"/],
		["three sigmoid units", 3, "sigmoid", /dense\S* has 3 sigmoid units, .* use activation: "softmax"/],
	];
	for (const [name, units, activation, message] of refused) {
		test(name, async () => {
			const loss = units === 1 ? "binaryCrossentropy" : "categoricalCrossentropy";
			const model = build(units, activation, loss);
			const classNames = ["a", "b", "c"].slice(0, Math.max(2, units));
			const ys = units === 1 ? binary : oneHot(3);
			await assert.rejects(train(model, data(ys)), message);
			await assert.rejects(evaluate(model, data(ys)), message);
			await assert.rejects(predict(model, data(ys)), message);
			await assert.rejects(predictImages(model, [], { classNames }), message);
			assert.throws(() => gradCam(model, xs), message);
		});
	}
	test("logits, when nothing says that they are", async () => {
		for (const [units, activation] of [
			[1, "sigmoid"],
			[3, "softmax"],
		] as const) {
			const message = new RegExp(`dense\\S* has no activation, .* give it activation: "${activation}"`);
			const ys = units === 1 ? binary : oneHot(3);
			for (const loss of [undefined, "meanSquaredError", (y: tf.Tensor, p: tf.Tensor) => y.sub(p).abs().mean(-1)]) {
				await assert.rejects(predict(build(units, "linear", loss), data(ys)), message);
			}
			const loss = units === 1 ? "binaryCrossentropy" : "categoricalCrossentropy";
			const model = build(units, "linear", loss);
			const unfitting = new RegExp(
				`${loss} is the loss of probabilities, but the output layer dense\\S* has no activation`,
			);
			await assert.rejects(train(model, data(ys)), unfitting);
			await assert.rejects(evaluate(model, data(ys)), unfitting);
		}
	});
	test("outputs that are not 0–1 or do not sum to 1", async () => {
		const model = build(3, "relu");
		model.layers[2].setWeights([tf.zeros([8, 3]), tf.tensor1d([0.5, 0.75, 0.25])]);
		await assert.rejects(
			predict(model, data(oneHot(3))),
			/no probabilities of classes: 0.500, 0.750, 0.250 \(sum 1.50\)/,
		);
		model.layers[2].setWeights([tf.zeros([8, 3]), tf.tensor1d([0.5, 0.25, 0.25])]);
		const { yPred, logProbabilities } = await predict(model, data(oneHot(3)));
		assert.deepEqual(yPred, [0, 0, 0, 0]);
		assert.ok(Math.abs(logProbabilities[0][0] - Math.log(0.5)) < 1e-9);
	});
	test("two outputs, and feature maps", async () => {
		const model = build(2, "softmax");
		const both = tf.model({ inputs: model.inputs, outputs: [model.output, model.output] as tf.SymbolicTensor[] });
		await assert.rejects(predict(both, data(int)), /the model has 2 outputs: expected one, \[batch, classes\]/);
		const maps = tf.model({ inputs: model.inputs, outputs: model.layers[0].output as tf.SymbolicTensor });
		await assert.rejects(predict(maps, data(int)), /is \[batch, 2, 2, 2\]: expected \[batch, classes\]/);
	});
});

test("a softmax layer of its own, an activation layer and a nested model are as a softmax of the dense layer", async () => {
	const dense = build(3, "softmax");
	const expected = await predict(dense, data(oneHot(3)));
	const separate = build(3, "linear");
	separate.setWeights(dense.getWeights());
	const logits = separate.output as tf.SymbolicTensor;
	const model = (layer: tf.layers.Layer) =>
		tf.model({ inputs: separate.inputs, outputs: layer.apply(logits) as tf.SymbolicTensor });
	const nested = tf.sequential({
		layers: [tf.layers.activation({ activation: "linear", inputShape: [4, 4, 3] }), dense],
	});
	const models = [model(tf.layers.softmax()), model(tf.layers.activation({ activation: "softmax" })), nested];
	for (const other of models) {
		const { logProbabilities } = await predict(other, data(oneHot(3)));
		logProbabilities.flat().forEach((value, i) => {
			assert.ok(Math.abs(value - expected.logProbabilities.flat()[i]) < 1e-5);
		});
		other.compile({ optimizer: "sgd", loss: "categoricalCrossentropy", metrics: ["accuracy"] });
		// So certain that clipped probabilities would give a loss below 17.
		const [kernel, ...rest] = other.getWeights().map((weight) => weight.clone());
		other.setWeights([kernel.mul(1e4), ...rest]);
		const { loss } = await evaluate(other, data(oneHot(3)));
		const certain = await predict(other, data(oneHot(3)));
		const mean = -certain.yTrue.reduce((sum, label, i) => sum + certain.logProbabilities[i][label], 0) / 4;
		assert.ok(loss > 100 && Math.abs(loss - mean) < 1e-3 * loss, `${loss}, ${mean}`);
		other.setWeights([kernel, ...rest]);
	}
});

test("outputs whose logits are unknown have the loss of their clipped probabilities, as in Keras", async () => {
	const [one, two] = [build(3, "softmax"), build(3, "softmax")];
	two.layers[2].setWeights([tf.fill([8, 3], 1), tf.tensor1d([500, 0, 0])]);
	const input = tf.input({ shape: [4, 4, 3] });
	const members = [one, two].map((member) => member.apply(input) as tf.SymbolicTensor);
	const ensemble = tf.model({ inputs: input, outputs: tf.layers.average().apply(members) as tf.SymbolicTensor });
	const hard = build(1, "hardSigmoid");
	hard.layers[2].setWeights([tf.zeros([8, 1]), tf.tensor1d([9])]);
	for (const [model, ys] of [
		[ensemble, tf.tensor1d([0, 1, 2, 0])],
		[two, tf.tensor1d([0, 1, 2, 0])],
		[hard, int],
	] as const) {
		compile(model);
		for (const fast of [true, false]) {
			const { loss, accuracy } = await evaluate(model, data(ys), { fast });
			const { yTrue, yPred, logProbabilities } = await predict(model, data(ys), { fast });
			const mean = -yTrue.reduce((sum, label, i) => sum + logProbabilities[i][label], 0) / 4;
			assert.ok(Math.abs(loss - mean) < 1e-2 * loss, `${loss}, ${mean}`);
			assert.equal(accuracy, yTrue.filter((label, i) => label === yPred[i]).length / 4);
		}
		await train(model, data(ys), { epochs: 1, onProgress: null });
	}
});

describe("a loss that does not fit the output layer is refused", () => {
	const refused: [number, Activation, string, RegExp][] = [
		[
			1,
			"sigmoid",
			"sparseCategoricalCrossentropy",
			/loss of two units or more, .* has one: .* loss: "binaryCrossentropy"/,
		],
		[1, "sigmoid", "categoricalCrossentropy", /loss of two units or more/],
		[2, "softmax", "binaryCrossentropy", /loss of one sigmoid unit, but .* has 2 units: .* "categoricalCrossentropy"/],
		[3, "relu", "categoricalCrossentropy", /has activation "relu": give it activation: "softmax"/],
	];
	for (const [units, activation, loss, message] of refused) {
		test(`${loss} of ${units} ${activation} units`, async () => {
			const model = build(units, activation, loss);
			await assert.rejects(train(model, data(int)), message);
			await assert.rejects(evaluate(model, data(int)), message);
		});
	}
	test("a loss of logits after softmax or sigmoid", async () => {
		const losses = { softmax: tf.losses.softmaxCrossEntropy, sigmoid: tf.losses.sigmoidCrossEntropy };
		for (const [activation, loss] of Object.entries(losses)) {
			const units = activation === "softmax" ? 3 : 1;
			const model = build(units, activation as Activation, (y, p) => loss(y, p));
			const message = new RegExp(
				`takes logits, but the output layer dense\\S* has activation "${activation}": give it none`,
			);
			await assert.rejects(train(model, data(units === 1 ? binary : oneHot(3))), message);
		}
	});
	test("no accuracy", async () => {
		await assert.rejects(
			evaluate(build(2, "softmax", "categoricalCrossentropy", []), data(int)),
			/metrics: \["accuracy"\]/,
		);
	});
	test("class and sample weights of a loss that is one mean", async () => {
		const loss = (y: tf.Tensor, p: tf.Tensor) => tf.losses.softmaxCrossEntropy(y, p);
		const model = build(3, "linear", loss);
		const message = /the loss function returns the mean over a batch.*tf\.Reduction\.NONE/;
		await assert.rejects(train(model, data(oneHot(3)), { classWeight: { 0: 1, 1: 2, 2: 1 } }), message);
		const weighted = data(oneHot(3)).map((batch) => ({ ...(batch as object), sampleWeights: tf.ones([2]) }));
		await assert.rejects(train(model, Object.assign(weighted, { size: 2 }) as ReturnType<typeof data>), message);
	});
	test("compile chooses the loss by the number of units", async () => {
		for (const [units, activation] of [
			[1, "sigmoid"],
			[2, "softmax"],
		] as const) {
			const model = build(units, activation);
			compile(model);
			await train(model, data(int), { epochs: 1, onProgress: null });
		}
	});
});

describe("labels that do not fit the loss are an error about labels, before the first step", () => {
	const nan = Number.NaN;
	const cases: [string, number, Loss, tf.Tensor, RegExp][] = [
		[
			"one-hot, sparse loss",
			3,
			"sparseCategoricalCrossentropy",
			oneHot(3),
			/labels are \[batch, 3\], but sparseCategoricalCrossentropy takes integers \[batch\] \(labelMode: "int"\).*loss: "categoricalCrossentropy"/,
		],
		[
			"integers, categorical loss",
			3,
			"categoricalCrossentropy",
			int,
			/labels are \[batch\], but categoricalCrossentropy takes one-hot \[batch, 3\] \(labelMode: "categorical"\).*"sparseCategoricalCrossentropy"/,
		],
		["binary, categorical loss", 2, "categoricalCrossentropy", binary, /labels are \[batch, 1\], but/],
		[
			"one-hot of fewer classes",
			3,
			"categoricalCrossentropy",
			oneHot(2),
			/labels are \[batch, 2\], but .* \[batch, 3\]/,
		],
		[
			"one-hot, one unit",
			1,
			"binaryCrossentropy",
			oneHot(2),
			/labels are \[batch, 2\], but .* 0 or 1 \[batch, 1\] \(labelMode: "binary"\)/,
		],
		["integers, squared error of one unit", 1, "meanSquaredError", int, /labels are \[batch\], but meanSquaredError/],
		[
			"a label of no class",
			2,
			"sparseCategoricalCrossentropy",
			tf.tensor1d([0, 1, 1, 2]),
			/a label is 2: expected integers from 0 to 1/,
		],
		["a negative label", 2, "sparseCategoricalCrossentropy", tf.tensor1d([0, 1, -1, 1]), /a label is -1/],
		["half a class", 2, "sparseCategoricalCrossentropy", tf.tensor1d([0, 1, 0.5, 1]), /a label is 0.5/],
		["NaN, sparse loss", 2, "sparseCategoricalCrossentropy", tf.tensor1d([0, nan, 1, 1]), /a label is NaN/],
		["NaN, one unit", 1, "binaryCrossentropy", tf.tensor1d([0, nan, 1, 1]), /a label is NaN/],
		["2, one unit", 1, "binaryCrossentropy", tf.tensor1d([1, 2, 1, 2]), /a label is 2: expected 0 or 1/],
		["several classes at once", 2, "categoricalCrossentropy", tf.ones([4, 2]), /a label is 1, 1: expected one-hot/],
		["NaN, own loss", 2, (y) => y.mean(), tf.tensor1d([nan, 0, 0, 0]), /a label is NaN/],
	];
	for (const [name, units, loss, ys, message] of cases) {
		test(name, async () => {
			for (const fast of [true, false]) {
				const model = build(units, units === 1 ? "sigmoid" : "softmax", loss);
				const before = model.getWeights().map((weight) => weight.dataSync());
				const run = train(model, batchesOf(xs, ys, 4), { epochs: 1, onProgress: null, fast });
				await assert.rejects(run, message);
				assert.deepEqual(
					model.getWeights().map((weight) => weight.dataSync()),
					before,
				);
				await assert.rejects(evaluate(model, data(ys), { fast }), message);
			}
		});
	}
	test("validation labels too", async () => {
		const model = build(2, "softmax", "sparseCategoricalCrossentropy");
		const options = { validationData: data(oneHot(2)), epochs: 1, onProgress: null };
		await assert.rejects(train(model, data(int), options), /labels are \[batch, 2\]/);
	});
	test("labels between classes, as of mixed images, have a loss", async () => {
		const soft = tf.tensor2d([
			[0.3, 0.7],
			[1, 0],
			[0.5, 0.5],
			[0, 1],
		]);
		const model = build(2, "softmax", "categoricalCrossentropy");
		await train(model, data(soft), { epochs: 1, onProgress: null });
		const one = build(1, "sigmoid", "binaryCrossentropy");
		await train(one, data(tf.tensor1d([0.3, 0.7, 1, 0])), { epochs: 1, onProgress: null });
	});
});

test("labelsOf reads every encoding, and refuses what is none", () => {
	for (const ys of [int, binary, tf.oneHot(int.toInt(), 2)]) assert.deepEqual(labelsOf(ys, 2), [0, 1, 1, 0]);
	assert.deepEqual(labelsOf(tf.tensor2d([[0.2, 0.5, 0.3]]), 3), [1]);
	assert.throws(() => labelsOf(oneHot(3), 2), /the labels are \[batch, 3\], but there are 2 classes/);
	assert.throws(() => labelsOf(tf.zeros([2, 2, 2]), 2), /the labels are \[batch, 2, 2\]/);
	assert.throws(() => labelsOf(tf.tensor2d([[0, 0]]), 2), /a label is 0, 0: expected one-hot/);
});
