import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augment, augmented, dataAugmentation } from "../../src/augmentation/augment";
import { RandomFlip, RandomRotation, RandomZoom, type TransformOptions } from "../../src/augmentation/layers";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { traced } from "../../src/tensorflow/graph";
import { fixture, imageFolder, root, temporaryFolder } from "../helpers";
import { assertClose, type Recorded, toTensor } from "../tensors";

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

describe("with a fixed factor, layers give Keras's images", () => {
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

test("RandomFlip flips about half of the images and leaves the others unchanged", () => {
	const many = images.slice(0, 1).tile([400, 1, 1, 1]) as tf.Tensor4D;
	const flipped = new RandomFlip("horizontal", { seed: 3 }).apply(many, training) as tf.Tensor4D;
	const differs = (from: tf.Tensor) => [...flipped.sub(from).abs().sum([1, 2, 3]).dataSync()];
	const [fromOriginal, fromFlipped] = [differs(many), differs(many.reverse(2))];
	const count = fromFlipped.filter((value) => value === 0).length;
	assert.ok(fromOriginal.every((value, i) => value === 0 || fromFlipped[i] === 0));
	assert.ok(count > 140 && count < 260, `${count} of 400 were flipped`);
});

test("random angles stay in their range", () => {
	// The position of a bright pixel away from the centre shows the angle of rotation.
	const dot = tf.buffer([1, 41, 41, 1]);
	dot.set(1, 0, 20, 38, 0);
	const rotated = new RandomRotation(0.1, { seed: 1, fillMode: "constant" }).apply(
		dot.toTensor().tile([200, 1, 1, 1]),
		training,
	) as tf.Tensor4D;
	const ys = tf.range(0, 41).reshape([1, 41, 1, 1]);
	const heights = rotated
		.mul(ys)
		.sum([1, 2, 3])
		.div(rotated.sum([1, 2, 3]))
		.sub(20)
		.dataSync();
	const limit = 18 * Math.sin(0.2 * Math.PI);
	const extreme = Math.max(...heights.map(Math.abs));
	assert.ok(extreme <= limit + 0.7 && extreme > 0.9 * limit, `moved by up to ${extreme}, limit ${limit}`);
});

for (const layer of [new RandomFlip(), new RandomRotation(0.2), new RandomZoom(0.2)]) {
	test(`${layer.getClassName()} is active in training only, and draws differently on each call`, () => {
		for (const inactive of [{}, { training: false }]) {
			assert.deepEqual((layer.apply(images, inactive) as tf.Tensor).dataSync(), images.dataSync());
		}
		const many = images.tile([8, 1, 1, 1]);
		const [first, second] = [layer.apply(many, training) as tf.Tensor, layer.apply(many, training) as tf.Tensor];
		assert.deepEqual(first.shape, many.shape);
		assert.notDeepEqual(first.dataSync(), second.dataSync());
	});
}

test("the same seed gives the same images", () => {
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

describe("augment composes the transforms of several layers", () => {
	const layers = (seed: number) => [
		new RandomFlip("horizontal", { seed, inputShape: images.shape.slice(1) }),
		new RandomRotation(0.1, { seed: seed + 1 }),
		new RandomZoom(0.1, { seed: seed + 2 }),
	];
	const model = (...parts: tf.layers.Layer[]) => tf.sequential({ layers: parts });

	test("a single layer gives the same images as by itself", () => {
		for (const i of [0, 1, 2]) {
			const [composed, alone] = [layers(5)[i], layers(5)[i]];
			const inModel = model(tf.layers.inputLayer({ inputShape: images.shape.slice(1) }), composed);
			assert.deepEqual(augment(images, inModel).dataSync(), (alone.apply(images, training) as tf.Tensor).dataSync());
		}
	});

	test("at the centre of smooth images, the result equals that of the layers in sequence", () => {
		const smooth = tf.tidy(() => {
			const [y, x] = [tf.range(0, 48).reshape([1, 48, 1, 1]), tf.range(0, 40).reshape([1, 1, 40, 1])];
			return x.mul(3).add(y.mul(2)).tile([20, 1, 1, 1]) as tf.Tensor4D;
		});
		const build = () => {
			const [, ...rest] = layers(7);
			return model(new RandomFlip("horizontal", { seed: 7, inputShape: [48, 40, 1] }), ...rest);
		};
		const centre = (tensor: tf.Tensor) => tensor.slice([0, 16, 13], [-1, 16, 14]);
		const composed = centre(augment(smooth, build()));
		const sequential = centre(build().apply(smooth, training) as tf.Tensor);
		assert.ok(composed.sub(sequential).abs().max().dataSync()[0] < 0.05);
		assert.ok(composed.sub(centre(smooth)).abs().max().dataSync()[0] > 5, "the images must have changed");
	});

	test("a graph draws the same as the layers run eagerly, differently in each run", () => {
		const [inGraph, eager] = [model(...layers(3)), model(...layers(3))];
		const graph = traced(([xs]) => [augment(xs as tf.Tensor4D, inGraph)]);
		const seen = new Set<string>();
		for (let run = 0; run < 3; run++) {
			const [result] = graph([images]);
			assertSame(result, augment(images, eager));
			seen.add(result.dataSync().join());
		}
		assert.equal(seen.size, 3);
	});

	test("layers with different fill modes, or of other classes, run in sequence", () => {
		const differing = () =>
			model(
				new RandomRotation(0.1, { seed: 1, inputShape: images.shape.slice(1) }),
				new RandomZoom(0.1, { seed: 2, fillMode: "constant" }),
			);
		const other = () =>
			model(
				new RandomRotation(0.1, { seed: 1, inputShape: images.shape.slice(1) }),
				tf.layers.activation({ activation: "relu" }),
			);
		for (const build of [differing, other]) {
			assertSame(augment(images, build()), build().apply(images, training) as tf.Tensor);
		}
	});

	function assertSame(actual: tf.Tensor, expected: tf.Tensor): void {
		assert.deepEqual(actual.shape, expected.shape);
		assert.ok(actual.sub(expected).abs().max().dataSync()[0] < 1e-2);
	}
});

test("layers are saved with a model and loaded again", async () => {
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

test("arguments out of their range are errors that name them", () => {
	assert.throws(
		() => new RandomRotation(1.5),
		/RandomRotation: factor is 1.5: expected a number, or two, from -1 to 1/,
	);
	assert.throws(() => new RandomZoom(0.1, { widthFactor: [0, 3] }), /RandomZoom: widthFactor is \[0,3\]/);
	assert.throws(() => new RandomFlip("sideways" as "vertical"), /mode is sideways/);
});

test("calls leave no tensors", () => {
	const layer = new RandomRotation(0.1);
	(layer.apply(images, training) as tf.Tensor).dispose();
	const before = tf.memory().numTensors;
	(layer.apply(images, training) as tf.Tensor).dispose();
	assert.equal(tf.memory().numTensors, before);
});

test("augmented changes the images of a dataset, not its labels", async () => {
	const data = imageDatasetFromDirectory(imageFolder, { imageSize: [16, 16], shuffle: false, verbose: false });
	const [plain] = await data.toArray();
	const [changed] = await augmented(data, dataAugmentation(16, 1)).toArray();
	assert.deepEqual(changed.ys.dataSync(), plain.ys.dataSync());
	assert.deepEqual(changed.xs.shape, plain.xs.shape);
	assert.notDeepEqual(changed.xs.dataSync(), plain.xs.dataSync());
});

test("the preprocessing notebook shows the pipeline's augmentation", () => {
	const { cells } = JSON.parse(readFileSync(join(root, "notebooks", "02-data-preprocessing.ipynb"), "utf8"));
	const sources: string[] = cells.map(({ source }: { source: string | string[] }) => [source].flat().join(""));
	const [code] = sources.flatMap(
		(source) => /const dataAugmentation = (tf\.sequential\([\s\S]*?\n\}\));/.exec(source)?.[1] ?? [],
	);
	const layers = { tf, RandomFlip, RandomRotation, RandomZoom };
	const names = [...Object.keys(layers), "imageSize", "seed"];
	const shown = new Function(...names, `return ${code}`)(...Object.values(layers), 64, 42) as tf.Sequential;
	const configs = (model: tf.Sequential) => model.layers.map((layer) => ({ ...layer.getConfig(), name: null }));
	assert.deepEqual(configs(shown), configs(dataAugmentation(64, 42)));
});
