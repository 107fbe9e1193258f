// The whole pipeline: load, augment, build, compile, train, save.
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
 * The model that an earlier notebook saved for this data set and these parameters, or else one trained now.
 *
 * @param dataset the folder with `train` and `valid`
 * @param artifacts where models are saved
 */
export async function loadOrTrain(
	dataset: string,
	artifacts: string,
	parameters: TrainingParameters,
): Promise<{ model: tf.LayersModel; record: ModelRecord }> {
	const saved = await loadModel(artifacts);
	const same =
		saved?.record.dataset === resolve(dataset) && isDeepStrictEqual(saved.record.parameters, { ...parameters });
	if (saved && same) return saved;

	console.log(`No model of this data set and these parameters in ${artifacts}: training one first.`);
	const { model, history, classNames } = await trainPipeline(dataset, parameters);
	const record = { dataset, classNames, parameters, history };
	await saveModel(model, artifacts, record);
	return { model, record };
}

/**
 * Trains the pipeline's network on a data set, from files to history: what the training notebook does step by step.
 *
 * @param dataset the folder with `train` and `valid`
 * @param options `onProgress`, `backup` and more `callbacks`: as for `train`
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
