// The classifiers that review trains again and again: a layer on features, and a small CNN.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withClassifier } from "../cnn/backbone";
import { type CnnOptions, cnn } from "../cnn/cnn";
import { imageDatasetFromFiles } from "../datasets/dataset";
import type { Batch, ImageDataset } from "../datasets/types";
import { predict } from "../evaluation/evaluate";
import { compile } from "../training/compile";
import { train as trainModel } from "../training/train";
import { type FeaturesOptions, featureBatches } from "./features";
import type { Fit } from "./out-of-fold";

/** Options of `featureClassifier`. */
export interface FeatureClassifierOptions extends FeaturesOptions {
	/** Names of the classes: the columns of the probabilities. */
	classNames: string[];
	/** Passes over the training images. Default 20. */
	epochs?: number;
	/** Learning rate of Adam. Default 0.001. */
	learningRate?: number;
	/** Images per step. Default 32. */
	batchSize?: number;
	/** Fraction of the features dropped at each training step. Default 0.2. */
	dropout?: number;
}

/**
 * Returns a function for `outOfFoldProbabilities` that trains a softmax layer on the features of a frozen network
 * (multinomial logistic regression, a linear probe). Features are computed once per file, so a fold takes seconds.
 *
 * @param backbone model from images to features, float32 `[batch, features]`: that of `backboneOf` or `pretrained`, or the
 *   `featurePart` of a trained one
 */
export function featureClassifier(backbone: tf.LayersModel, options: FeatureClassifierOptions): Fit {
	const { epochs = 20, learningRate = 0.001, batchSize = 32, dropout = 0.2, ...reading } = options;
	return async (train, test, seed) => {
		const data = await featureBatches(backbone, train, { ...reading, batchSize, seed, shuffle: true });
		const unseen = await featureBatches(backbone, test, { ...reading, shuffle: false });
		const { head } = withClassifier(backbone, reading.classNames.length, { dropout, seed });
		try {
			compile(head, learningRate);
			await trainModel(head, data, { epochs, onProgress: null });
			return (await predict(head, unseen)).probabilities;
		} finally {
			tf.dispose(head.getWeights());
			head.dispose();
		}
	};
}

/** Options of `cnnClassifier`. */
export interface CnnClassifierOptions {
	/** Names of the classes: the columns of the probabilities. */
	classNames: string[];
	/** Least number of training steps, in whole passes over the training images. Default 100. */
	steps?: number;
	/** Width and height of the images, in pixels. Default 32. */
	imageSize?: number;
	/** Images per step. Default 32. */
	batchSize?: number;
	/** Precision of the layers, see `cnn`. Default `"float32"`. */
	precision?: CnnOptions["precision"];
	/** Changes each batch of training images, such as a corruption. Default: none. */
	augment?: (data: ImageDataset, seed: number) => tf.data.Dataset<Batch>;
}

/**
 * Returns a function for `outOfFoldProbabilities` that trains a small CNN of three convolutions from scratch. It knows no more
 * than the labels that it is given.
 */
export function cnnClassifier(options: CnnClassifierOptions): Fit {
	const { classNames, steps = 100, imageSize = 32, batchSize = 32, precision, augment } = options;
	const size = { inputShape: [imageSize, imageSize, 3] as [number, number, number], filters: [32, 64, 128] };
	const reading = { imageSize: [imageSize, imageSize] as [number, number], batchSize, classNames, verbose: false };
	return async (files, test, seed) => {
		const model = cnn({ ...size, denseUnits: 64, classes: classNames.length, seed, precision });
		try {
			compile(model);
			const data = imageDatasetFromFiles(files, { ...reading, seed });
			const epochs = Math.ceil(steps / (data.size as number));
			await trainModel(model, augment ? augment(data, seed) : data, { epochs, onProgress: null });
			return (await predict(model, imageDatasetFromFiles(test, { ...reading, shuffle: false }))).probabilities;
		} finally {
			model.dispose();
		}
	};
}
