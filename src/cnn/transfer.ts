// Transfer learning: loading a backbone, extracting features, replacing the head.
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { readRegularFile } from "../support/files";
import { parseJson } from "../support/json";
import { allLayers } from "../tensorflow/layers-model";
import { isKeras3, loadKeras3 } from "./keras3";

/** A pretrained network: a layers model, which can be fine-tuned, or a graph model, which can only be run. */
export type Backbone = tf.LayersModel | tf.GraphModel;

/**
 * Loads a pretrained network in TensorFlow.js's layers or graph format, of Keras 3 too.
 *
 * @param from path or http(s) address of `model.json`, or of the folder that holds it
 * @throws when it cannot be read, is not a TensorFlow.js model or has a layer that TensorFlow.js has not, and when a file
 *   of its weights is missing or damaged
 */
export async function loadBackbone(from: string): Promise<Backbone> {
	const folder = isAddress(from) ? `${from.replace(/\/$/, "")}/` : join(from, "/");
	const file = from.endsWith(".json") ? from : beside(folder, "model.json");
	try {
		const model = parseJson(await read(file), "it") as ModelJson;
		if (!model?.modelTopology) throw new Error("it is not the model.json of a TensorFlow.js model");
		const artifacts = await tf.io.getModelArtifactsForJSON(model, (manifest) => readWeights(file, manifest));
		if (model.format === "graph-model") return await tf.loadGraphModel(tf.io.fromMemory(artifacts));
		return await (isKeras3(model.modelTopology)
			? loadKeras3(artifacts)
			: tf.loadLayersModel(tf.io.fromMemory(artifacts)));
	} catch (error) {
		throw new Error(`cannot load the backbone ${file}: ${(error as Error).message.split("\n")[0]}`);
	}
}

/** A `model.json`. */
type ModelJson = Parameters<typeof tf.io.getModelArtifactsForJSON>[0];
type WeightSpec = ModelJson["weightsManifest"][number]["weights"][number];

const isAddress = (path: string) => /^https?:/.test(path);

/** Returns the path or address of a file in the same folder as another, or in a folder that ends in a slash. */
const beside = (file: string, name: string) =>
	isAddress(file) ? new URL(name, file).href : join(file.replace(/[^/]*$/, ""), name);

async function read(file: string): Promise<Uint8Array> {
	if (!isAddress(file)) return readRegularFile(file);
	const response = await fetch(file).catch(({ cause, message }) => {
		throw new Error(cause?.message || cause?.code || message);
	});
	if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`);
	return new Uint8Array(await response.arrayBuffer());
}

/** Reads the files of the weights, which are next to `model.json`. */
async function readWeights(file: string, manifest: ModelJson["weightsManifest"]): Promise<[WeightSpec[], ArrayBuffer]> {
	const remedy = "copy model.json and all files of its weights again";
	const parts: Uint8Array[] = [];
	for (const { paths, weights } of manifest) {
		const expected = weights.reduce((sum, weight) => sum + bytesOf(weight), 0);
		const before = parts.length;
		for (const path of paths) {
			const shard = read(beside(file, path));
			const unreadable = (error: Error) => {
				throw new Error(`its weights ${path} cannot be read (${error.message}): ${remedy}`);
			};
			parts.push(await shard.catch(unreadable));
		}
		const found = parts.slice(before).reduce((sum, part) => sum + part.length, 0);
		// A tensor of strings has no fixed size.
		if (found === expected || Number.isNaN(expected)) continue;
		throw new Error(`its weights ${paths.join(", ")} have ${found} bytes, not ${expected}: ${remedy}`);
	}
	return [manifest.flatMap(({ weights }) => weights), new Uint8Array(Buffer.concat(parts)).buffer];
}

/** The bytes of a number. */
const SIZES: Record<string, number> = { uint8: 1, bool: 1, uint16: 2, float16: 2, int32: 4, float32: 4, complex64: 8 };

/** Returns the size of a tensor in the files, in bytes; NaN when it has no fixed size. */
const bytesOf = ({ shape, dtype, quantization }: WeightSpec) =>
	shape.reduce((product, length) => product * length, SIZES[quantization?.dtype ?? dtype] ?? Number.NaN);

/** Returns whether a network scales its input itself: it has a layer `Rescaling` or `Normalization`. */
export const scalesItsInput = (backbone: Backbone): boolean =>
	backbone instanceof tf.LayersModel &&
	allLayers(backbone).some((layer) => ["Rescaling", "Normalization"].includes(layer.getClassName()));

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
 * @param options `range`: input range of the backbone. Default: `[0, 255]` for a network that scales its input itself, or else
 *   `[-1, 1]` as in MobileNet
 */
export async function extractFeatures(
	backbone: Backbone,
	data: tf.data.Dataset<Batch>,
	{ range = scalesItsInput(backbone) ? [0, 255] : [-1, 1] }: { range?: [number, number] } = {},
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
