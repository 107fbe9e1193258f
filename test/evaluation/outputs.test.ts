import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { Batch, ImageDatasetOptions } from "../../src/datasets/types";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { gradCam } from "../../src/evaluation/gradcam";
import { predictImages } from "../../src/evaluation/predict-images";
import { type TrainOptions, train } from "../../src/training/train";
import { fixture, temporaryFolder } from "../helpers";
import { assertClose, type Recorded, toTensor, values } from "../tensors";

type LabelMode = "int" | "categorical" | "binary";
type Trained = { loss: number; weights: Recorded[] };
type Case = {
	loss: string;
	labelMode: LabelMode;
	evaluated: { loss: number; accuracy: number };
	trained: Trained;
	classWeighted: Trained;
	sampleWeighted: Trained;
};
type Head = {
	units: number;
	activation: "sigmoid" | "softmax" | "linear";
	classes: number;
	weights: Recorded[];
	outputs: Recorded;
	heat: Recorded[];
	cases: Case[];
};
type Keras = {
	images: Recorded;
	labels: Record<number, number[]>;
	classWeight: Record<number, number>;
	sampleWeight: number[];
	heads: Record<string, Head>;
};
const keras = fixture<Keras>("outputs");
const images = toTensor(keras.images) as tf.Tensor4D;

/** Folders with the images of two and of three classes. */
const folders: Record<number, string> = { 2: temporaryFolder(), 3: temporaryFolder() };

before(async () => {
	const [count, height, width, channels] = images.shape;
	const pixels = Uint8Array.from(values(keras.images));
	for (const [classes, labels] of Object.entries(keras.labels)) {
		for (let i = 0; i < count; i++) {
			const folder = join(folders[Number(classes)], `class ${labels[i]}`);
			mkdirSync(folder, { recursive: true });
			const size = height * width * channels;
			const image = sharp(pixels.subarray(i * size, (i + 1) * size), { raw: { width, height, channels: 3 } });
			await image.png().toFile(join(folder, `${i}.png`));
		}
	}
});

const read = ({ classes }: Head, labelMode: LabelMode, options: Partial<ImageDatasetOptions> = {}) =>
	imageDatasetFromDirectory(folders[classes], {
		labelMode,
		imageSize: [6, 6],
		batchSize: 3,
		shuffle: false,
		verbose: false,
		...options,
	});

type Loss = string | ((yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor);

/** Returns the loss in TensorFlow.js's words: a name, or a function of logits. */
function lossOf({ activation, units }: Head, { loss, labelMode }: Case, reduction?: tf.Reduction): Loss {
	if (activation !== "linear") return loss.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
	if (units === 1) {
		return (y, z) => tf.losses.sigmoidCrossEntropy(y, z, undefined, 0, reduction).reshape(reduction === 0 ? [-1] : []);
	}
	const oneHot = (y: tf.Tensor) => (labelMode === "int" ? tf.oneHot(y.toInt(), units) : y);
	return (y, z) => tf.losses.softmaxCrossEntropy(oneHot(y), z, undefined, 0, reduction);
}

function build(head: Head, loss?: Loss): tf.Sequential {
	const model = tf.sequential({
		layers: [
			tf.layers.conv2d({ inputShape: [6, 6, 3], filters: 2, kernelSize: 3, activation: "relu" }),
			tf.layers.globalAveragePooling2d({}),
			tf.layers.dense({ units: head.units, activation: head.activation }),
		],
	});
	model.setWeights(head.weights.map(toTensor));
	if (loss) model.compile({ optimizer: tf.train.sgd(1e-4), loss: loss as string, metrics: ["accuracy"] });
	return model;
}

function assertNear(actual: number, expected: number, what: string): void {
	assert.ok(Math.abs(actual - expected) <= 1e-4 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, ${expected}`);
}

/** Returns Keras's outputs as probabilities per class, in float64. */
function probabilitiesOf({ units, activation, outputs }: Head): number[][] {
	const rows = toTensor(outputs).arraySync() as number[][];
	const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
	return rows.map((row) => {
		if (activation === "sigmoid") return [1 - row[0], row[0]];
		if (activation === "softmax") return row;
		if (units === 1) return [sigmoid(-row[0]), sigmoid(row[0])];
		return row.map((z) => 1 / row.reduce((sum, other) => sum + Math.exp(other - z), 0));
	});
}

async function assertTrains(
	head: Head,
	of: Case,
	expected: Trained,
	data: tf.data.Dataset<Batch>,
	options: TrainOptions,
) {
	const model = build(head, lossOf(head, of, tf.Reduction.NONE));
	const { loss } = await train(model, data, { epochs: 1, onProgress: null, ...options });
	assertNear(loss[0], expected.loss, "training loss");
	model.getWeights().forEach((weight, i) => {
		assertClose(weight, expected.weights[i], 1e-5, `weights ${i}`);
	});
}

for (const [name, head] of Object.entries(keras.heads)) {
	const expected = probabilitiesOf(head);
	const yTrue = keras.labels[head.classes];
	const yPred = expected.map((row) => row.indexOf(Math.max(...row)));
	for (const of of head.cases) {
		describe(`${name}, ${of.loss}, labels ${of.labelMode}: as in Keras`, () => {
			for (const fast of [true, false]) {
				test(`evaluate and predict, fast: ${fast}`, async () => {
					const model = build(head, lossOf(head, of));
					const data = read(head, of.labelMode, { batchSize: 4 });
					const { loss, accuracy } = await evaluate(model, data, { fast });
					assertNear(loss, of.evaluated.loss, "loss");
					assertNear(accuracy, of.evaluated.accuracy, "accuracy");
					const predictions = await predict(model, data, { fast });
					assert.deepEqual([predictions.yTrue, predictions.yPred], [yTrue, yPred]);
					const { probabilities, logProbabilities } = predictions;
					probabilities.flat().forEach((p, i) => {
						assert.ok(Math.abs(p - expected.flat()[i]) < 1e-5, `probability ${i}: ${p}`);
					});
					const mean = -yTrue.reduce((sum, label, i) => sum + logProbabilities[i][label], 0) / yTrue.length;
					assertNear(mean, loss, "mean of −log p");
					const hits = yPred.filter((label, i) => label === yTrue[i]).length;
					assertNear(hits / yTrue.length, accuracy, "fraction of right predictions");
				});
				test(`train with and without weights, fast: ${fast}`, async () => {
					const data = read(head, of.labelMode);
					await assertTrains(head, of, of.trained, data, { fast });
					await assertTrains(head, of, of.classWeighted, data, { fast, classWeight: keras.classWeight });
					const [{ ys }] = await read(head, of.labelMode, { batchSize: 6 }).toArray();
					const weights = tf.tensor1d(keras.sampleWeight);
					const weighted = tf.data.generator(function* (): Generator<Batch> {
						for (const from of [0, 3]) {
							const part = <T extends tf.Tensor>(tensor: T) => tensor.slice(from, 3) as T;
							yield { xs: part(images), ys: part(ys), sampleWeights: part(weights) };
						}
					});
					await assertTrains(head, of, of.sampleWeighted, Object.assign(weighted, { size: 2 }), { fast });
				});
			}
		});
	}
	test(`${name}: predictImages and gradCam as in Keras`, async () => {
		const model = build(head, lossOf(head, head.cases[0]));
		const { filePaths, classNames } = read(head, "int");
		const predictions = await predictImages(model, filePaths, { classNames, batchSize: 4 });
		predictions.forEach(({ label, probability, probabilities }, i) => {
			assert.equal(label, classNames[yPred[i]]);
			assert.equal(probability, Math.max(...probabilities));
			probabilities.forEach((p, j) => {
				assert.ok(Math.abs(p - expected[i][j]) < 1e-5, `image ${i}, class ${j}: ${p}`);
			});
		});
		const heat = head.heat.map((recorded, label) => {
			const maps = gradCam(model, images, { classes: yTrue.map(() => label) });
			assertClose(maps, recorded, 1e-4, `heat of class ${label}`);
			return maps.arraySync();
		});
		assert.deepEqual(
			gradCam(model, images).arraySync(),
			yPred.map((label, i) => heat[label][i]),
		);
	});
}
