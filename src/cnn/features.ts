// Features of images by a frozen network, computed once per file: `featureDataset`.
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { toBatch } from "../datasets/batches";
import type { Batch, FileBatches, ImageDataset } from "../datasets/types";
import { type Pixels, readImages, unpack } from "../images/decode";
import type { DecodeOptions } from "../images/decode-graph";
import { sha256OfFile } from "../support/files";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { compiledModel } from "../tensorflow/layers-model";
import { arithmeticOf, copyPrecision } from "../tensorflow/precision";
import { predictStep } from "../tensorflow/steps";
import type { TensorFunction } from "../tensorflow/trace";
import { type FeatureStore, openFeatureStore } from "./feature-store";
import { foldBatchNorm } from "./fold-batch-norm";

export interface FeatureOptions {
	/** Folder in which features are kept, for example `"artifacts/features"`. */
	folder: string;
	/**
	 * Whether images are augmented: each epoch takes the features of half of the images mirrored, and of the other half as
	 * they are; the next epoch the other way round. Default false.
	 */
	mirrored?: boolean;
	/** Receives the progress of computing features. Default: prints a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/** Images per batch when features are computed. */
const BATCH = 32;

/**
 * Returns a dataset of the features that a frozen network computes for the images of a dataset, in the same order and with
 * the same labels: what a new last layer is trained on.
 *
 * Features are computed once per file, network, image size and view, as one graph with folded batch norms, and kept in a
 * folder by the content of the files: another epoch, seed, fold or notebook reads them there.
 *
 * @param backbone model from the images to features, float32 `[batch, features]`, such as that of `pretrained`; or to the
 *   feature maps of its lower part, see `splitBefore`
 * @param data dataset of `imageDatasetFromDirectory` or `imageDatasetFromFiles`, not augmented
 * @returns batches: `xs` float32 `[batch, features]` or `[batch, rows, columns, channels]`, `ys` as in `data`
 * @throws when the dataset is another one or its images have another size; when an image cannot be decoded; when the
 *   features cannot be written
 */
export async function featureDataset(
	backbone: tf.LayersModel,
	data: ImageDataset,
	{ folder, mirrored = false, onProgress }: FeatureOptions,
): Promise<ImageDataset> {
	const files = data.source?.files;
	if (!files)
		throw new Error("features are of files: expected a dataset of imageDatasetFromDirectory or imageDatasetFromFiles");
	requireSize(backbone, files.decoding);
	const shape = backbone.outputs[0].shape.slice(1) as number[];
	const length = shape.reduce((product, size) => product * size, 1);
	const arithmetic = arithmeticOf(backbone);
	const network = idOf(backbone);
	const store = openFeatureStore(join(folder, `${backbone.name}-${network.slice(0, 12)}`), length);
	// However the dataset itself keeps its pixels.
	const packed = { ...files.decoding, packed: true };
	const how = arithmetic === "float32" ? "" : arithmetic;
	const views = (mirrored ? ["", "mirrored"] : [""]).map((view) => `${how}${view}/${JSON.stringify(packed)}`);
	const keys = await keysOf(data.filePaths, views);
	await computeMissing(
		() => stepsOf(backbone, network + arithmetic, packed),
		data.filePaths,
		packed,
		keys,
		store,
		onProgress,
	);
	return datasetOf(data, files, (batch, epoch) => {
		const wanted = batch.map((i) => keys[(i + epoch) % keys.length][i]);
		return tf.tensor(store.read(wanted), [batch.length, ...shape]);
	});
}

/** @throws when images have not the size and channels that a network takes */
function requireSize(backbone: tf.LayersModel, { imageSize, channels }: DecodeOptions): void {
	const expected = backbone.inputs[0].shape.slice(1);
	const found = [...imageSize, channels];
	if (expected.every((size, i) => size === null || size === found[i])) return;
	throw new Error(
		`the images are ${found.join("×")}, ${backbone.name} takes ${expected.map((size) => size ?? "any").join("×")}: give both the same imageSize`,
	);
}

/** Returns a hash of a network's layers and weights, whatever the layers are called and whichever are trainable. */
function idOf({ layers }: tf.LayersModel): string {
	const hash = createHash("sha256");
	for (const layer of layers) {
		hash.update(JSON.stringify({ ...layer.getConfig(), name: "", trainable: true }));
		for (const weight of layer.getWeights()) hash.update(new Uint8Array(weight.dataSync().buffer));
	}
	return hash.digest("hex");
}

/** Returns the key of each file, for each view. */
async function keysOf(paths: string[], views: string[]): Promise<string[][]> {
	const contents: string[] = [];
	for (const path of paths) contents.push(await sha256OfFile(path));
	const keyOf = (content: string, view: string) => createHash("sha256").update(`${content}/${view}`).digest("hex");
	return views.map((view) => contents.map((content) => keyOf(content, view)));
}

/** The steps of a network by its id and how images are read: a step is compiled once for the same weights. */
const compiled = new WeakMap<tf.LayersModel, { key: string; steps: TensorFunction[] }>();

/** Returns the steps that compute features of packed images, and of their mirror images. */
function stepsOf(backbone: tf.LayersModel, network: string, packed: DecodeOptions): TensorFunction[] {
	const key = network + JSON.stringify(packed);
	const known = compiled.get(backbone);
	if (known?.key === key) return known.steps;
	const folded = foldBatchNorm(backbone);
	copyPrecision(backbone, folded);
	const toImages = unpack(packed);
	const views = [toImages, (xs: tf.Tensor) => tf.reverse(toImages(xs), 2)];
	const steps = views.map((prepare) => predictStep(compiledModel(folded), prepare, { fast: true }));
	compiled.set(backbone, { key, steps });
	return steps;
}

/** Computes the features that the store has not. An interrupt keeps those of the batches so far. */
async function computeMissing(
	steps: () => TensorFunction[],
	paths: string[],
	packed: DecodeOptions,
	keys: string[][],
	store: FeatureStore,
	onProgress: OnFileProgress | undefined,
): Promise<void> {
	// By the key of the image, since a file can be there twice.
	const incomplete = new Map(keys[0].flatMap((key, i) => (keys.some((view) => !store.has(view[i])) ? [[key, i]] : [])));
	const missing = [...incomplete.values()];
	if (missing.length === 0) return;
	const views = steps();
	const files = missing.map((i) => paths[i]);
	const progress = fileProgress(files.length, onProgress);
	for await (const { xs, start, length } of imageBatches(files, packed)) {
		const batch = missing.slice(start, start + length);
		keys.forEach((view, v) => {
			const [features] = views[v]([xs]);
			const values = features.dataSync<"float32">();
			store.add(
				batch.map((i) => view[i]),
				values.subarray(0, (length * values.length) / xs.shape[0]),
			);
			features.dispose();
		});
		xs.dispose();
		for (const _ of batch) await progress.tick();
	}
	progress.end();
}

/** Yields packed batches of one size, of which the last is filled up: another size would be another graph. */
async function* imageBatches(files: string[], packed: DecodeOptions) {
	const reader = readImages(files, packed);
	try {
		for (let start = 0; start < files.length; start += BATCH) {
			const images: Pixels[] = [];
			while (start + images.length < Math.min(files.length, start + BATCH)) images.push(await reader.next());
			const { length } = images;
			while (start > 0 && images.length < BATCH) images.push(images[0]);
			yield { xs: toBatch(images, packed), start, length };
		}
	} finally {
		reader.stop();
	}
}

/** Returns a dataset with other `xs` in the order of `data`. */
function datasetOf(
	data: ImageDataset,
	files: FileBatches,
	featuresOf: (batch: number[], epoch: number) => tf.Tensor,
): ImageDataset {
	const { source, size, classNames, directory, filePaths, labels, shuffled } = data;
	const views = { count: 0 };
	const batches = async function* (): AsyncGenerator<Batch> {
		const epoch = views.count++;
		for (const batch of files.nextEpoch())
			yield { xs: featuresOf(batch, epoch) as tf.Tensor4D, ys: tf.tidy(() => files.labelsOf(batch)) };
	};
	const counters = [...(source?.counters ?? []), views];
	const dataset = tf.data.generator(batches as unknown as () => Generator<Batch>);
	return Object.assign(dataset, {
		...{ size, classNames, directory, filePaths, labels, shuffled },
		source: { batches, prepare: (xs: tf.Tensor) => xs, counters },
	}) as unknown as ImageDataset;
}
