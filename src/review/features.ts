// Features of images as a matrix, and the part of a trained network that computes them.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { featureDataset } from "../cnn/features";
import { imageDatasetFromFiles } from "../datasets/dataset";
import type { Batch, ImageDataset, LabelledFile } from "../datasets/types";
import { colorModeOf } from "../images/decode";
import type { OnFileProgress } from "../support/progress";
import { inputsOf } from "../tensorflow/layer-graph";

/** Features of images: a row for each. */
export interface FeatureMatrix {
	/** float32 `[images · length]`, row by row. */
	values: Float32Array;
	/** Number of rows. */
	images: number;
	/** Number of features of an image. */
	length: number;
}

/** Options of `featuresOf`. */
export interface FeaturesOptions {
	/** Folder in which features are kept, for example `"artifacts/features"`, see `featureDataset`. */
	folder: string;
	/** `[height, width]` in pixels of the images. Default: that of the network's input. */
	imageSize?: [number, number];
	/** Receives the progress of computing features. Default: prints a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/**
 * Computes features (embeddings) of images by a frozen network. Each file is computed once, by its content.
 *
 * @param backbone model from images to features, float32 `[batch, features]`: that of `backboneOf` or `pretrained`, or the
 *   `featurePart` of a trained one
 * @throws when the network gives no features, or an image cannot be decoded
 */
export async function featuresOf(
	backbone: tf.LayersModel,
	files: Pick<LabelledFile, "path">[],
	options: FeaturesOptions,
): Promise<FeatureMatrix> {
	// Whatever the images are of.
	const unlabelled = files.map(({ path }) => ({ path, label: 0 }));
	const data = await featureBatches(backbone, unlabelled, { ...options, classNames: ["image"], shuffle: false });
	const length = backbone.outputs[0].shape[1] as number;
	const values = new Float32Array(files.length * length);
	let offset = 0;
	await data.forEachAsync((value) => {
		const { xs, ys } = value as unknown as Batch;
		values.set(xs.dataSync<"float32">(), offset);
		offset += xs.size;
		tf.dispose([xs, ys]);
	});
	return { values, images: files.length, length };
}

/** Returns the dataset of the features of files. */
export function featureBatches(
	backbone: tf.LayersModel,
	files: LabelledFile[],
	options: FeaturesOptions & { classNames: string[]; shuffle: boolean; seed?: number; batchSize?: number },
): Promise<ImageDataset> {
	const { folder, onProgress, ...given } = options;
	const [, height, width, channels] = backbone.inputs[0].shape;
	const { imageSize = [height, width] } = given;
	if (backbone.outputs[0].shape.length !== 2)
		throw new Error(`the network gives [${backbone.outputs[0].shape.join(", ")}]: expected features, see featurePart`);
	if (!imageSize.every((size) => size)) throw new Error("the network takes images of any size: set imageSize");
	const reading = { ...given, imageSize: imageSize as [number, number], colorMode: colorModeOf(channels ?? 3) };
	return featureDataset(backbone, imageDatasetFromFiles(files, { ...reading, verbose: false }), { folder, onProgress });
}

/**
 * Returns the part of a classifier before its last dense layer, and the dropout before that: images to features.
 *
 * Its features have seen the labels that the network was trained with, so they find fewer of the wrong ones among them than
 * those of a pretrained network.
 *
 * @param model trained network, such as that of `loadModel`
 * @returns a model that shares the classifier's layers
 * @throws when it has no dense layer
 */
export function featurePart(model: tf.LayersModel): tf.LayersModel {
	const before = (tensor: tf.SymbolicTensor, isPassed: (name: string) => boolean): tf.SymbolicTensor => {
		if (!isPassed(tensor.sourceLayer.getClassName())) return tensor;
		if (model.inputs.includes(tensor)) throw new Error(`${model.name} has no dense layer: expected a classifier`);
		return before(inputsOf(tensor)[0], isPassed);
	};
	const logits = before(model.outputs[0], (name) => name !== "Dense");
	const [features] = inputsOf(logits);
	const outputs = before(features, (name) => name === "Dropout");
	return tf.model({ inputs: model.inputs, outputs, name: `${model.name}_features` });
}
