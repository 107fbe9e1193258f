// The networks by name, with their real weights: the first run fetches them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withClassifier } from "../../src/cnn/backbone";
import { foldBatchNorm } from "../../src/cnn/fold-batch-norm";
import { type PretrainedName, pretrained, readWeights } from "../../src/cnn/pretrained";
import { gradCam } from "../../src/evaluation/gradcam";
import { compiledModel } from "../../src/tensorflow/layers-model";
import { predictStep } from "../../src/tensorflow/steps";
import { fixture, temporaryFolder } from "../helpers";

type Expected = { features: number[]; mean: number; norm: number; classes: number[]; logits: number[] };
const { networks, step } = fixture<{ step: number; networks: Record<PretrainedName, Expected[]> }>("efficientnet-lite");

/** The pixels of record_efficientnet.py. */
function pixels(image: number): number[] {
	const at = (y: number, x: number, c: number) =>
		Math.round(127.5 + 127.5 * Math.sin((image + 1) * (0.05 * x + 0.03 * y) + 2 * c + image));
	const places = Array.from({ length: 96 * 96 * 3 }, (_, i) => i);
	return places.map((i) => at(Math.floor(i / 288), Math.floor(i / 3) % 96, i % 3));
}
const xs = tf.tensor4d(Float32Array.from(Array.from({ length: 8 }, (_, i) => pixels(i)).flat()), [8, 96, 96, 3]);

for (const name of Object.keys(networks) as PretrainedName[]) {
	describe(name, () => {
		test("has PyTorch's features, also with folded batch norms and as a graph", async () => {
			const model = await pretrained(name, { imageSize: 96 });
			assert.ok(model.layers.every(({ trainable }) => !trainable));
			const folded = foldBatchNorm(model);
			assert.ok(!folded.layers.some((layer) => layer.getClassName() === "BatchNormalization"));
			const [fromGraph] = predictStep(compiledModel(folded), (images) => images, { fast: true })([xs]);
			for (const features of [model.predict(xs), folded.predict(xs), fromGraph] as tf.Tensor2D[]) {
				const rows = features.arraySync();
				for (const [i, expected] of networks[name].entries()) {
					const sampled = rows[i].filter((_, channel) => channel % step === 0);
					const worst = Math.max(...sampled.map((value, k) => Math.abs(value - expected.features[k])));
					assert.ok(worst < 1e-4, `image ${i}: ${worst}`);
					assert.ok(Math.abs(Math.hypot(...rows[i]) - expected.norm) < 1e-3, `image ${i}: norm`);
				}
			}
		});

		test("has PyTorch's five most probable classes", async () => {
			const model = await pretrained(name, { imageSize: 96, includeTop: true });
			const { values, indices } = tf.topk(model.predict(xs) as tf.Tensor2D, 5);
			const [logits, classes] = [values.arraySync(), indices.arraySync()];
			for (const [i, expected] of networks[name].entries()) {
				assert.deepEqual(classes[i], expected.classes);
				for (const [k, logit] of logits[i].entries()) assert.ok(Math.abs(logit - expected.logits[k]) < 1e-3);
			}
		});
	});
}

test("layers have the names of Keras Applications, and shapes are those of any image size", async () => {
	const model = await pretrained("efficientnet-lite0", { imageSize: 64, weights: null });
	for (const layer of [
		"stem_conv",
		"block2a_expand_conv",
		"block6d_project_bn",
		"block7a_dwconv",
		"top_conv",
		"avg_pool",
	])
		assert.equal(model.getLayer(layer).name, layer);
	assert.deepEqual(model.outputs[0].shape, [null, 1280]);
	assert.equal(model.countParams(), 3_413_024);
});

test("with a new last layer, class activation maps are those of the gradient, and of a reloaded model", async () => {
	const { model } = withClassifier(await pretrained("efficientnet-lite0", { imageSize: 96 }), 3, { seed: 1 });
	const images = xs.slice([0, 0, 0, 0], [2, -1, -1, -1]) as tf.Tensor4D;
	const classes = [2, 0];
	const maps = gradCam(model, images, { classes });
	assert.deepEqual(maps.shape, [2, 3, 3]);
	const [features, dense] = [model.getLayer("top_relu"), model.getLayer("head")];
	const inner = tf.model({ inputs: model.inputs, outputs: features.output as tf.SymbolicTensor });
	const [kernel] = dense.getWeights() as [tf.Tensor2D];
	const gradient = tf.grad((tensor: tf.Tensor) =>
		(tensor.mean([1, 2]) as tf.Tensor2D).matMul(kernel).mul(tf.oneHot(classes, 3)).sum(),
	);
	const before = inner.predict(images) as tf.Tensor4D;
	const heat = before
		.mul(gradient(before).mean([1, 2], true))
		.sum(-1)
		.relu();
	const expected = heat.div(heat.max([1, 2], true).maximum(1e-12));
	assert.ok(maps.sub(expected).abs().max().dataSync()[0] < 1e-6);
	const folder = temporaryFolder();
	await model.save(`file://${folder}`);
	const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
	const difference = (model.predict(images) as tf.Tensor)
		.sub(loaded.predict(images) as tf.Tensor)
		.abs()
		.max();
	assert.equal(difference.dataSync()[0], 0);
});

test("another name, images that are too small and damaged weights are errors", async () => {
	await assert.rejects(
		pretrained("efficientnet-lite1" as PretrainedName),
		/^Error: there is no network efficientnet-lite1: expected efficientnet-lite0 or efficientnet-lite2$/,
	);
	await assert.rejects(pretrained("efficientnet-lite0", { imageSize: 16 }), /imageSize is 16: .* 32 pixels or more/);
	const folder = temporaryFolder();
	mkdirSync(join(folder, "efficientnet-lite0"));
	writeFileSync(join(folder, "efficientnet-lite0", "weights.pth"), "truncated");
	await assert.rejects(
		readWeights("efficientnet-lite0", folder),
		/weights\.pth is damaged \(its SHA-256 is not 579344248a93…\): remove it and run npm run weights -- efficientnet-lite0$/,
	);
});
