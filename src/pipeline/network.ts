// The pipeline's network, from scratch or on a pretrained backbone, and what it is trained on.
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../augmentation/augment";
import { backboneOf, withClassifier } from "../cnn/backbone";
import { cnn } from "../cnn/cnn";
import { featureDataset } from "../cnn/features";
import type { ImageDataset } from "../datasets/types";
import { cacheFolder } from "../support/files";
import type { OnFileProgress } from "../support/progress";
import { setPrecision } from "../tensorflow/precision";
import type { TrainingParameters } from "./parameters";

/** The network of some hyperparameters. */
export interface PipelineNetwork {
	/** The whole network: images in 0–255 to probabilities. Not compiled. */
	model: tf.LayersModel;
	/** The part that is trained: `model` itself, or its new last layer on a frozen backbone. Not compiled. */
	trained: tf.LayersModel;
	/**
	 * Returns a dataset of what `trained` takes: the images, or their features.
	 *
	 * @param options `augment`: whether images are augmented, default false; `onProgress`: receives the progress of computing
	 *   features, default: prints a line every ten seconds
	 */
	inputOf(data: ImageDataset, options?: { augment?: boolean; onProgress?: OnFileProgress }): Promise<ImageDataset>;
}

type NetworkParameters = Pick<TrainingParameters, "imageSize" | "dropout" | "seed" | "backbone" | "precision">;

/**
 * Builds the network of the pipeline: `cnn`, or a frozen backbone with a new last layer. The features of a backbone are
 * computed once per image, see `featureDataset`; its augmentation is the mirror image.
 *
 * @param classes number of classes
 * @param options `artifacts`: folder below which features are kept, in `features`. Default: the user's cache folder
 * @throws when the backbone cannot be loaded or takes images of another size
 */
export async function pipelineNetwork(
	classes: number,
	{ imageSize, dropout, seed, backbone, precision }: NetworkParameters,
	{ artifacts = cacheFolder() }: { artifacts?: string } = {},
): Promise<PipelineNetwork> {
	if (backbone === "none") {
		const model = cnn({ inputShape: [imageSize, imageSize, 3], classes, dropout, seed, precision });
		const augmentation = (data: ImageDataset) => augmented(data, dataAugmentation(imageSize, seed)) as ImageDataset;
		return { model, trained: model, inputOf: async (data, { augment } = {}) => (augment ? augmentation(data) : data) };
	}
	const network = await backboneOf(backbone, imageSize);
	const { model, head } = withClassifier(network, classes, { dropout, seed });
	for (const part of [network, model, head]) setPrecision(part, precision);
	const folder = join(artifacts, "features");
	return {
		model,
		trained: head,
		inputOf: (data, { augment: mirrored, onProgress } = {}) =>
			featureDataset(network, data, { folder, mirrored, onProgress }),
	};
}
