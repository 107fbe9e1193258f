// The pipeline: load, augment, build, compile, train, save.
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../augmentation/augment";
import { cnn } from "../cnn/cnn";
import { imageDatasetFromDirectory } from "../datasets/dataset";
import { compile } from "../training/compile";
import { EarlyStopping } from "../training/early-stopping";
import type { History } from "../training/history";
import { type TrainOptions, train } from "../training/train";
import type { TrainingParameters } from "./parameters";
import type { ModelRecord } from "./records";
import { loadModel, saveModel } from "./saved-model";

/**
 * Loads the model that was saved for this data set and these hyperparameters; trains and saves one if there is none.
 *
 * @param dataset folder with `train` and `valid`
 * @param artifacts folder of the saved model
 */
export async function loadOrTrain(
	dataset: string,
	artifacts: string,
	parameters: TrainingParameters,
): Promise<{ model: tf.LayersModel; record: ModelRecord }> {
	const saved = await loadModel(artifacts);
	const isSame =
		saved?.record.dataset === resolve(dataset) && isDeepStrictEqual(saved.record.parameters, { ...parameters });
	if (saved && isSame) return saved;

	console.log(`No saved model for this data set and these parameters in ${artifacts}: training one first.`);
	const { model, history, classNames } = await trainPipeline(dataset, parameters);
	const record = { dataset, classNames, parameters, history };
	await saveModel(model, artifacts, record);
	return { model, record };
}

/**
 * Trains the pipeline's network on a data set, as the training notebook does step by step.
 *
 * @param dataset folder with `train` and `valid`
 * @param options `onProgress`, `backup` and additional `callbacks` as in `TrainOptions`
 * @returns the trained model, its history and the class names in the order of its outputs
 */
export async function trainPipeline(
	dataset: string,
	parameters: TrainingParameters,
	{ callbacks = [], ...rest }: Pick<TrainOptions, "onProgress" | "backup" | "callbacks"> = {},
): Promise<{ model: tf.LayersModel; history: History; classNames: string[] }> {
	const { imageSize, batchSize, epochs, learningRate, patience, augment, dropout, seed } = parameters;
	const options = { seed, imageSize: [imageSize, imageSize] as [number, number], batchSize, verbose: false };
	const trainData = imageDatasetFromDirectory(join(dataset, "train"), options);
	const validationData = imageDatasetFromDirectory(join(dataset, "valid"), options);
	const { classNames } = trainData;
	const model = cnn({ inputShape: [imageSize, imageSize, 3], classes: classNames.length, dropout, seed });
	compile(model, learningRate);
	const history = await train(model, augment ? augmented(trainData, dataAugmentation(imageSize, seed)) : trainData, {
		validationData,
		epochs,
		callbacks: [new EarlyStopping({ patience, restoreBestWeights: true }), ...callbacks],
		...rest,
	});
	return { model, history, classNames };
}
