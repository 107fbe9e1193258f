// Transfer learning: loading a backbone, extracting features, replacing the head.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";

/** A pretrained network: one that can be trained further, or one that can only be run. */
export type Backbone = tf.LayersModel | tf.GraphModel;

/**
 * Loads a pretrained network in TensorFlow.js's formats, layers or graph.
 *
 * @param from a folder with `model.json`, its http(s) address, or that of the file
 * @throws when it cannot be read, or is no such network
 */
export async function loadBackbone(from: string): Promise<Backbone> {
	const isAddress = /^https?:/.test(from);
	const file = from.endsWith(".json")
		? from
		: isAddress
			? `${from.replace(/\/$/, "")}/model.json`
			: join(from, "model.json");
	const place = isAddress ? file : `file://${resolve(file)}`;
	try {
		const { format } = JSON.parse(isAddress ? await download(file) : await readFile(file, "utf8")) as {
			format?: string;
		};
		return await (format === "graph-model" ? tf.loadGraphModel(place) : tf.loadLayersModel(place));
	} catch (error) {
		const why = (error as Error).message.split("\n")[0];
		throw new Error(`cannot load the backbone ${file}: ${why}; expected the model.json of a TensorFlow.js model`);
	}
}

async function download(address: string): Promise<string> {
	const response = await fetch(address);
	if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`);
	return response.text();
}

/** Images as a backbone sees them. */
export interface Features {
	/** float32 `[images, features]`; the caller's. */
	features: tf.Tensor2D;
	/** float32 `[images]`; the caller's. */
	labels: tf.Tensor1D;
}

/**
 * Runs images through a backbone once, so that only new last layers have to be trained on the result.
 *
 * Images are resized to what the backbone takes, and maps averaged over their positions.
 *
 * @param options `range`: what the backbone expects for black and white. Default `[-1, 1]`, as MobileNet
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
 * Puts new last layers on a network: what comes before its first flat layer stays, with its weights, and a softmax over
 * the averages of its maps follows.
 *
 * @param options `trainable`: whether the old layers learn too. Default false: they are frozen; `seed`: makes the new
 *   layer repeatable
 * @returns a model that shares the old layers, to be compiled
 * @throws when the network has no maps
 */
export function withNewHead(
	backbone: tf.LayersModel,
	classes: number,
	{ trainable = false, seed }: { trainable?: boolean; seed?: number } = {},
): tf.LayersModel {
	const hasMaps = (layer: tf.layers.Layer) => (layer.outputShape as tf.Shape).length === 4;
	const last = backbone.layers.map(hasMaps).lastIndexOf(true);
	if (last < 0)
		throw new Error("the backbone has no maps [batch, height, width, channels]: is it a convolutional network?");
	for (const layer of backbone.layers) layer.trainable = trainable;
	const maps = backbone.layers[last].output as tf.SymbolicTensor;
	const averages = tf.layers.globalAveragePooling2d({ name: "averages" }).apply(maps);
	const kernelInitializer = tf.initializers.glorotUniform({ seed });
	const head = tf.layers.dense({ units: classes, activation: "softmax", kernelInitializer, name: "head" });
	return tf.model({ inputs: backbone.inputs, outputs: head.apply(averages) as tf.SymbolicTensor });
}

/**
 * A task that needs no labels (Gidaris et al., ICLR 2018): each image four times, turned by 0, 90, 180 and 270
 * degrees, and the label says by how much. What tells that apart is of use elsewhere.
 *
 * @param data square images
 */
export function rotationTask(data: tf.data.Dataset<Batch>): tf.data.Dataset<Batch> {
	const turned = data.map((value) => {
		const { xs } = value as Batch;
		const quarter = (images: tf.Tensor4D) => images.transpose<tf.Tensor4D>([0, 2, 1, 3]).reverse(1);
		const all = [xs];
		for (let turn = 1; turn < 4; turn++) all.push(quarter(all[turn - 1]));
		const ys = tf.concat(all.map((_, turn) => tf.fill([xs.shape[0]], turn)));
		return { xs: tf.concat(all), ys } as Batch;
	});
	return Object.assign(turned, { size: data.size }) as tf.data.Dataset<Batch>;
}
