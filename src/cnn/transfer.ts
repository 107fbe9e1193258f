// Transfer learning: loading a backbone, extracting features, replacing the head.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";

/** A pretrained network: a layers model, which can be fine-tuned, or a graph model, which can only be run. */
export type Backbone = tf.LayersModel | tf.GraphModel;

/**
 * Loads a pretrained network in TensorFlow.js's layers or graph format.
 *
 * @param from path or http(s) address of `model.json`, or of the folder that holds it
 * @throws when it cannot be read or is not a TensorFlow.js model
 */
export async function loadBackbone(from: string): Promise<Backbone> {
	const isAddress = /^https?:/.test(from);
	const file = from.endsWith(".json")
		? from
		: isAddress
			? `${from.replace(/\/$/, "")}/model.json`
			: join(from, "model.json");
	const url = isAddress ? file : `file://${resolve(file)}`;
	try {
		const { format } = JSON.parse(isAddress ? await download(file) : await readFile(file, "utf8")) as {
			format?: string;
		};
		return await (format === "graph-model" ? tf.loadGraphModel(url) : tf.loadLayersModel(url));
	} catch (error) {
		const reason = (error as Error).message.split("\n")[0];
		throw new Error(`cannot load the backbone ${file}: ${reason}; expected the model.json of a TensorFlow.js model`);
	}
}

async function download(address: string): Promise<string> {
	const response = await fetch(address);
	if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`);
	return response.text();
}

/** Features of images, extracted by a backbone. */
export interface Features {
	/** float32 `[images, features]`; the caller disposes it. */
	features: tf.Tensor2D;
	/** float32 `[images]`; the caller disposes it. */
	labels: tf.Tensor1D;
}

/**
 * Extracts features by running images through a backbone once, to train a new head on.
 *
 * Images are resized to the backbone's input size (bilinear) and rescaled; feature maps are averaged over their
 * positions (global average pooling).
 *
 * @param data batches of float32 `[batch, height, width, channels]` in 0–255
 * @param options `range`: input range of the backbone, default `[-1, 1]` as in MobileNet
 */
export async function extractFeatures(
	backbone: Backbone,
	data: tf.data.Dataset<Batch>,
	{ range = [-1, 1] }: { range?: [number, number] } = {},
): Promise<Features> {
	const [, height, width] = backbone.inputs[0].shape as number[];
	const parts: Features[] = [];
	const batches = await data.iterator();
	for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
		const { xs, ys } = batch.value;
		const features = tf.tidy(() => {
			const resized = height > 0 ? tf.image.resizeBilinear(xs, [height, width], false, true) : xs;
			const scaled = resized.mul((range[1] - range[0]) / 255).add(range[0]);
			const output = backbone.predict(scaled) as tf.Tensor;
			return (output.rank === 4 ? output.mean([1, 2]) : output.reshape([xs.shape[0], -1])) as tf.Tensor2D;
		});
		parts.push({ features, labels: ys as tf.Tensor1D });
		xs.dispose();
	}
	const [features, labels] = [
		tf.concat(parts.map((part) => part.features)),
		tf.concat(parts.map((part) => part.labels)),
	];
	tf.dispose(parts as unknown as tf.TensorContainer);
	return { features, labels };
}

/**
 * Replaces the head of a network for transfer learning: the layers up to the last feature maps keep their weights, and
 * global average pooling and a softmax layer follow.
 *
 * @param classes number of classes, the width of the softmax
 * @param options `trainable`: whether the backbone's layers are trained too (fine-tuning), default false: they are
 *   frozen; `seed`: random seed of the new layer's weights, default: a different one each time
 * @returns a model that shares the backbone's layers, not compiled
 * @throws when the network has no feature maps
 */
export function withNewHead(
	backbone: tf.LayersModel,
	classes: number,
	{ trainable = false, seed }: { trainable?: boolean; seed?: number } = {},
): tf.LayersModel {
	const hasFeatureMaps = (layer: tf.layers.Layer) => (layer.outputShape as tf.Shape).length === 4;
	const last = backbone.layers.map(hasFeatureMaps).lastIndexOf(true);
	if (last < 0)
		throw new Error(
			"the backbone has no feature maps [batch, height, width, channels]: expected a convolutional network",
		);
	for (const layer of backbone.layers) layer.trainable = trainable;
	const maps = backbone.layers[last].output as tf.SymbolicTensor;
	const averages = tf.layers.globalAveragePooling2d({ name: "averages" }).apply(maps);
	const kernelInitializer = tf.initializers.glorotUniform({ seed });
	const head = tf.layers.dense({ units: classes, activation: "softmax", kernelInitializer, name: "head" });
	return tf.model({ inputs: backbone.inputs, outputs: head.apply(averages) as tf.SymbolicTensor });
}

/**
 * Returns the rotation pretext task of self-supervised learning (Gidaris et al., ICLR 2018), which needs no labels: each
 * image rotated by 0, 90, 180 and 270 degrees, labelled 0 to 3. The features learned transfer to other tasks.
 *
 * @param data batches of square images, float32 `[batch, size, size, channels]`
 * @returns batches of four times the size, in the order of the labels
 */
export function rotationTask(data: tf.data.Dataset<Batch>): tf.data.Dataset<Batch> {
	const rotated = data.map((value) => {
		const { xs } = value as Batch;
		const rotate90 = (images: tf.Tensor4D) => images.transpose<tf.Tensor4D>([0, 2, 1, 3]).reverse(1);
		const all = [xs];
		for (let turn = 1; turn < 4; turn++) all.push(rotate90(all[turn - 1]));
		const ys = tf.concat(all.map((_, turn) => tf.fill([xs.shape[0]], turn)));
		return { xs: tf.concat(all), ys } as Batch;
	});
	return Object.assign(rotated, { size: data.size }) as tf.data.Dataset<Batch>;
}
