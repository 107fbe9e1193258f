import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { RandomFlip, RandomRotation, RandomZoom, type TransformOptions } from "../src/augmentation";
import { assertClose, fixture, type Recorded, temporaryFolder, toTensor } from "./fixtures";

type KerasOptions = {
	fill_mode?: string;
	fill_value?: number;
	interpolation?: string;
	width_factor?: [number, number];
};
type Case = {
	layer: "RandomRotation" | "RandomZoom";
	factor: [number, number];
	options: KerasOptions;
	output: Recorded;
};
const recorded = fixture<{ images: Recorded; cases: Case[] }>("augmentation");
const images = toTensor(recorded.images) as tf.Tensor4D;
const training = { training: true };

describe("with a range of one value, the pictures are Keras's", () => {
	for (const { layer, factor, options, output } of recorded.cases) {
		test(`${layer} ${factor[0]} ${JSON.stringify(options)}`, () => {
			const ours = {
				fillMode: options.fill_mode as TransformOptions["fillMode"],
				fillValue: options.fill_value,
				interpolation: options.interpolation as TransformOptions["interpolation"],
				widthFactor: options.width_factor,
			};
			const result = new { RandomRotation, RandomZoom }[layer](factor, ours).apply(images, training) as tf.Tensor;
			assertClose(result, output, 0.02, layer);
		});
	}
});

test("RandomFlip mirrors about half of the pictures and changes nothing else", () => {
	const many = images.slice(0, 1).tile([400, 1, 1, 1]) as tf.Tensor4D;
	const flipped = new RandomFlip("horizontal", { seed: 3 }).apply(many, training) as tf.Tensor4D;
	const differs = (from: tf.Tensor) => [...flipped.sub(from).abs().sum([1, 2, 3]).dataSync()];
	const [kept, mirrored] = [differs(many), differs(many.reverse(2))];
	const count = mirrored.filter((value) => value === 0).length;
	assert.ok(kept.every((value, i) => value === 0 || mirrored[i] === 0));
	assert.ok(count > 140 && count < 260, `${count} of 400 were mirrored`);
});

test("draws stay in their range", () => {
	// A picture with one bright pixel off the middle shows by where it goes how far it was turned.
	const dot = tf.buffer([1, 41, 41, 1]);
	dot.set(1, 0, 20, 38, 0);
	const turned = new RandomRotation(0.1, { seed: 1, fillMode: "constant" }).apply(
		dot.toTensor().tile([200, 1, 1, 1]),
		training,
	) as tf.Tensor4D;
	const ys = tf.range(0, 41).reshape([1, 41, 1, 1]);
	const heights = turned
		.mul(ys)
		.sum([1, 2, 3])
		.div(turned.sum([1, 2, 3]))
		.sub(20)
		.dataSync();
	const limit = 18 * Math.sin(0.2 * Math.PI);
	const extreme = Math.max(...heights.map(Math.abs));
	assert.ok(extreme <= limit + 0.7 && extreme > 0.9 * limit, `moved by up to ${extreme}, limit ${limit}`);
});

for (const layer of [new RandomFlip(), new RandomRotation(0.2), new RandomZoom(0.2)]) {
	test(`${layer.getClassName()} acts in training only, anew on each call`, () => {
		for (const inactive of [{}, { training: false }]) {
			assert.deepEqual((layer.apply(images, inactive) as tf.Tensor).dataSync(), images.dataSync());
		}
		const many = images.tile([8, 1, 1, 1]);
		const [first, second] = [layer.apply(many, training) as tf.Tensor, layer.apply(many, training) as tf.Tensor];
		assert.deepEqual(first.shape, many.shape);
		assert.notDeepEqual(first.dataSync(), second.dataSync());
	});
}

test("the same seed gives the same pictures", () => {
	const draw = (seed: number) => {
		const layers = [
			new RandomFlip("horizontal", { seed }),
			new RandomRotation(0.1, { seed }),
			new RandomZoom(0.1, { seed }),
		];
		return layers.map((layer) => [...(layer.apply(images, training) as tf.Tensor).dataSync()]);
	};
	assert.deepEqual(draw(7), draw(7));
	assert.notDeepEqual(draw(7), draw(8));
});

test("the layers are saved with a model and loaded again", async () => {
	const model = tf.sequential({
		layers: [
			new RandomFlip("vertical", { seed: 1, inputShape: [9, 12, 3] }),
			new RandomRotation([0.1, 0.1], { fillMode: "constant", fillValue: 9, seed: 2 }),
			new RandomZoom(0.3, { widthFactor: [0, 0.2], seed: 3 }),
		],
	});
	const folder = `file://${temporaryFolder()}`;
	await model.save(folder);
	const loaded = await tf.loadLayersModel(`${folder}/model.json`);
	const pixels = (m: tf.LayersModel) => (m.apply(images, training) as tf.Tensor).dataSync();
	assert.deepEqual(pixels(loaded), pixels(model));
});

test("says which argument is out of its range", () => {
	assert.throws(
		() => new RandomRotation(1.5),
		/RandomRotation: factor is 1.5: expected a number, or two, from -1 to 1/,
	);
	assert.throws(() => new RandomZoom(0.1, { widthFactor: [0, 3] }), /RandomZoom: widthFactor is \[0,3\]/);
	assert.throws(() => new RandomFlip("sideways" as "vertical"), /mode is sideways/);
});

test("no tensor is left behind", () => {
	const layer = new RandomRotation(0.1);
	(layer.apply(images, training) as tf.Tensor).dispose();
	const before = tf.memory().numTensors;
	(layer.apply(images, training) as tf.Tensor).dispose();
	assert.equal(tf.memory().numTensors, before);
});
