// The pipeline: load, augment, build, compile, train, save.
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { imageDatasetFromDirectory } from "../datasets/dataset";
import { fingerprint } from "../datasets/fingerprint";
import { printable } from "../support/text";
import { compile } from "../training/compile";
import { EarlyStopping } from "../training/early-stopping";
import type { History } from "../training/history";
import { type TrainOptions, train } from "../training/train";
import { pipelineNetwork } from "./network";
import type { TrainingParameters } from "./parameters";
import type { ModelRecord } from "./records";
import { loadModel, saveModel } from "./saved-model";

/**
 * Loads the model that was saved for these images and hyperparameters; trains and saves one if there is none, and says
 * why in a line.
 *
 * @param dataset folder with `train` and `valid`
 * @param artifacts folder of the saved model
 */
export async function loadOrTrain(
	dataset: string,
	artifacts: string,
	parameters: TrainingParameters,
): Promise<{ model: tf.LayersModel; record: ModelRecord }> {
	const data = await fingerprint(dataset);
	const trained = { dataset: resolve(dataset), parameters: { ...parameters }, data };
	const { saved, damage } = await loadModel(artifacts).then(
		(saved) => ({ saved, damage: null }),
		(error: Error) => ({ saved: null, damage: String(error.cause) }),
	);
	const reason = damage ?? reasonToTrain(saved?.record, artifacts, trained);
	if (saved && !reason) return saved;

	saved?.model.dispose();
	console.log(printable(`${reason}: training one first.`));
	const { model, history, classNames } = await trainPipeline(dataset, parameters, { artifacts });
	return { model, record: await saveModel(model, artifacts, { ...trained, classNames, history }) };
}

/** Returns why a saved model is not the one to use; null when it is. */
function reasonToTrain(
	record: ModelRecord | undefined,
	artifacts: string,
	{ dataset, parameters, data }: Pick<ModelRecord, "dataset" | "parameters" | "data">,
): string | null {
	if (!record) return `No saved model in ${artifacts}`;
	// The images decide, not where they lie: a folder that is moved or copied has the same ones.
	if (record.data !== data) {
		return record.dataset === dataset
			? `The images in ${dataset} are not those that the model in ${artifacts} is for`
			: `The model in ${artifacts} is for another data set, ${record.dataset}`;
	}
	return isDeepStrictEqual(record.parameters, parameters) ? null : `The model in ${artifacts} is for other parameters`;
}

/**
 * Trains the pipeline's network on a data set, as the training notebook does step by step.
 *
 * @param dataset folder with `train` and `valid`
 * @param options `onProgress`, `backup` and additional `callbacks` as in `TrainOptions`; `artifacts` as in `pipelineNetwork`
 * @returns the trained model, its history and the class names in the order of its outputs
 */
export async function trainPipeline(
	dataset: string,
	parameters: TrainingParameters,
	options: Pick<TrainOptions, "onProgress" | "backup" | "callbacks"> & { artifacts?: string } = {},
): Promise<{ model: tf.LayersModel; history: History; classNames: string[] }> {
	const { callbacks = [], artifacts, ...rest } = options;
	const { imageSize, batchSize, epochs, learningRate, patience, augment, seed } = parameters;
	const readOptions = { seed, imageSize: [imageSize, imageSize] as [number, number], batchSize, verbose: false };
	const trainImages = imageDatasetFromDirectory(join(dataset, "train"), readOptions);
	const validImages = imageDatasetFromDirectory(join(dataset, "valid"), readOptions);
	const { classNames } = trainImages;
	const { model, trained, inputOf } = await pipelineNetwork(classNames.length, parameters, { artifacts });
	const trainData = await inputOf(trainImages, { augment });
	compile(trained, learningRate);
	const history = await train(trained, trainData, {
		validationData: await inputOf(validImages),
		epochs,
		callbacks: [new EarlyStopping({ patience, restoreBestWeights: true }), ...callbacks],
		...rest,
	});
	if (trained !== model) compile(model, learningRate);
	return { model, history, classNames };
}
