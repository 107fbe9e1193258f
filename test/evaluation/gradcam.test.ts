import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { gradCam, overlay } from "../../src/evaluation/gradcam";
import { fixture } from "../helpers";
import { assertClose, type Recorded, toTensor } from "../tensors";

type RecordedGradCam = {
	weights: Recorded[];
	images: Recorded;
	predicted: number[];
	last: Record<string, Recorded>;
	first: Recorded;
};
const { weights, images, predicted, last, first: firstMaps } = fixture<RecordedGradCam>("gradcam");
const model = cnn({ inputShape: [28, 24, 3], filters: [4, 6], denseUnits: 8, classes: 3 });
model.setWeights(weights.map(toTensor));
const xs = toTensor(images) as tf.Tensor4D;

test("heat maps equal Keras's, for the predicted class and for others", () => {
	for (const [key, expected] of Object.entries(last)) {
		assertClose(gradCam(model, xs, { classes: JSON.parse(key) }), expected, 1e-5, key);
	}
	assertClose(gradCam(model, xs), last[`[${predicted.join(", ")}]`], 1e-5, "predicted");
	assertClose(gradCam(model, xs, { layer: "conv2d_1" }), firstMaps, 1e-5, "first convolution");
});

test("gradCam leaves predictions unchanged and no tensors", () => {
	const before = model.predict(xs) as tf.Tensor;
	const { numTensors } = tf.memory();
	gradCam(model, xs).dispose();
	assert.equal(tf.memory().numTensors, numTensors);
	const after = model.predict(xs) as tf.Tensor;
	assert.deepEqual(after.arraySync(), before.arraySync());
});

test("overlay turns hot regions red and leaves the others unchanged", () => {
	const heat = tf.tensor2d([
		[0, 0],
		[1, 1],
	]);
	const mixed = overlay(tf.fill([8, 8, 3], 100), heat).arraySync();
	assert.deepEqual(mixed[0][0], [100, 100, 100]);
	const [red, green] = mixed[7][7];
	assert.ok(red > 190 && green < 70);
	// Where, not how much: a map that is high everywhere is no red blanket.
	const higher = overlay(tf.fill([8, 8, 3], 100), heat.mul(0.1).add(0.9)).arraySync();
	assert.ok(higher.flat(2).every((value, i) => Math.abs(value - mixed.flat(2)[i]) < 0.01));
});

test("maps of a functional model with a branch, and of a linear head, equal those by the gradient", () => {
	const { layers } = tf;
	const input = tf.input({ shape: [12, 12, 3] });
	const initial = { kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }) };
	const first = layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", ...initial }).apply(input);
	const second = layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", name: "second", ...initial }).apply(first);
	const sum = layers.add({ name: "sum" }).apply([first, second] as tf.SymbolicTensor[]);
	const averages = layers.globalAveragePooling2d({}).apply(sum);
	for (const units of [1, 3]) {
		const activation = units === 1 ? "sigmoid" : "softmax";
		const dense = layers.dense({ units, activation, ...initial });
		const output = dense.apply(layers.dropout({ rate: 0.3 }).apply(averages));
		const branched = tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
		const images = tf.randomUniform([2, 12, 12, 3], 0, 255, "float32", 1) as tf.Tensor4D;
		const maps = tf.model({ inputs: input, outputs: sum as tf.SymbolicTensor }).predict(images) as tf.Tensor;
		const [kernel, bias] = dense.getWeights() as [tf.Tensor2D, tf.Tensor1D];
		for (const label of [0, 1]) {
			const logit = (tensor: tf.Tensor) => {
				const logits = (tensor.mean([1, 2]) as tf.Tensor2D).matMul(kernel).add(bias);
				return units === 1 ? logits.mul(label * 2 - 1).sum() : logits.slice([0, label], [-1, 1]).sum();
			};
			const weights = tf.grad(logit)(maps).mean([1, 2], true);
			const heat = maps.mul(weights).sum(-1).relu();
			const expected = heat.div(heat.max([1, 2], true).maximum(1e-12)) as tf.Tensor3D;
			const classes = [label, label];
			const found = gradCam(branched, images, { classes });
			assert.ok(found.sub(expected).abs().max().dataSync()[0] < 5e-6, `${units} units, label ${label}`);
			// Of an inner layer there is no closed form.
			assert.deepEqual(gradCam(branched, images, { classes, layer: "second" }).shape, [2, 12, 12]);
		}
	}
	const functional = tf.model({ inputs: model.inputs, outputs: model.outputs });
	assertClose(gradCam(functional, xs, { layer: "conv2d_1" }), firstMaps, 1e-5, "the same layers as a functional model");
});

test("a model that has no such convolution is an error", () => {
	assert.throws(
		() => gradCam(model, xs, { layer: "conv" }),
		/the model has no feature maps of a layer conv: its layers are conv2d_1, /,
	);
	const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] });
	assert.throws(() => gradCam(dense, xs), /the model has no convolution: its layers are dense/);
});
