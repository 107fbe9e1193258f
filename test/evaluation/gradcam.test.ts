import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { gradCam, overlay } from "../../src/evaluation/gradcam";
import { assertClose, fixture, type Recorded, toTensor } from "../helpers";

type RecordedGradCam = {
	weights: Recorded[];
	images: Recorded;
	predicted: number[];
	last: Record<string, Recorded>;
	first: Recorded;
};
const { weights, images, predicted, last, first } = fixture<RecordedGradCam>("gradcam");
const model = cnn({ inputShape: [28, 24, 3], filters: [4, 6], denseUnits: 8, classes: 3 });
model.setWeights(weights.map(toTensor));
const xs = toTensor(images) as tf.Tensor4D;

test("heat maps equal Keras's, for the predicted class and for others", () => {
	for (const [key, expected] of Object.entries(last)) {
		assertClose(gradCam(model, xs, { classes: JSON.parse(key) }), expected, 1e-5, key);
	}
	assertClose(gradCam(model, xs), last[`[${predicted.join(", ")}]`], 1e-5, "predicted");
	assertClose(gradCam(model, xs, { layer: "conv2d_1" }), first, 1e-5, "first convolution");
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

test("a model that is not sequential or has no such convolution is an error", () => {
	assert.throws(() => gradCam(model, xs, { layer: "conv" }), /the model has no layer conv: its layers are conv2d_1, /);
	const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] });
	assert.throws(() => gradCam(dense, xs), /the model has no convolution: its layers are dense/);
	const branched = tf.model({ inputs: model.inputs, outputs: model.outputs });
	assert.throws(() => gradCam(branched, xs), /gradCam needs a sequential model: build it with tf\.sequential/);
});
