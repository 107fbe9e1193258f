// The training loop: `train`.
import { rmSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { endingItself, kernel } from "../support/kernel";
import { allLayers, compiledModel, withSteps } from "../tensorflow/layers-model";
import { countersOf } from "../tensorflow/random";
import { crossEntropyFromLogits } from "../tensorflow/softmax";
import { testStep, trainStep } from "../tensorflow/steps";
import { checkpointCallback, restoreCheckpoint, restoreProgress } from "./checkpoint";
import { requireCompiled, requireSameClasses } from "./compile";
import { classNamesOf, feed, weighted } from "./feed";
import type { History, Progress } from "./history";
import { printEpochs, progressCallback } from "./progress-callback";

export interface TrainOptions {
	/** Batches to evaluate after each epoch. Default: none. */
	validationData?: tf.data.Dataset<Batch>;
	/** How often to go through the data. Default 5. */
	epochs?: number;
	/** How much the loss of each class counts, by its label: `{ 0: 1, 1: 3 }`. Default: all alike. */
	classWeight?: Record<number, number>;
	/**
	 * Whether each batch runs as one TensorFlow graph, see tensorflow/steps.ts. If not, or if the model cannot, tf.layers runs it
	 * operation by operation, at about half the speed. Default true.
	 */
	fast?: boolean;
	/** tf.layers callbacks, for example `new EarlyStopping({ patience: 2 })`. Default: none. */
	callbacks?: (tf.Callback | tf.CustomCallback)[];
	/**
	 * A file that gets, after each epoch, all that training needs to go on from there. If it is there already, training
	 * does: weights, optimizer, order of the images and random numbers are as if it had not been interrupted. It is
	 * removed at the end (`keras.callbacks.BackupAndRestore`). Default: none.
	 */
	backup?: string;
	/** Called after each batch and epoch. Default: one line an epoch on the console; `null` for silence. */
	onProgress?: ((progress: Progress) => void) | null;
}

/**
 * Trains a compiled model on batches: `model.fit` of Keras for `tf.data` datasets.
 *
 * The interrupt button ends it after the batch at hand: the model keeps its weights, and the history of the epochs that
 * were finished is returned.
 *
 * @param model compiled with a loss, an optimizer and `metrics: ["accuracy"]`
 * @param data batches `{ xs, ys }`; it is gone through once an epoch
 * @throws when the model is not compiled, an image cannot be decoded, or the backup cannot be written or is of another
 *   model
 */
export async function train(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	options: TrainOptions = {},
): Promise<History> {
	const { epochs = 5, classWeight, callbacks = [], backup, onProgress = printEpochs } = options;
	const started = performance.now();
	const { trained, validated, step, test } = preparedSteps(model, data, options);
	const { progress, callback: reporter } = progressCallback(epochs, data.size, onProgress);
	const counters = [...trained.counters, ...(validated?.counters ?? []), ...countersOf(allLayers(model))];
	const saved = backup ? await restoreCheckpoint(backup, model) : null;
	if (saved) restoreProgress(saved, progress, counters);
	const seconds = () => (saved?.seconds ?? 0) + (performance.now() - started) / 1000;
	const keeper = backup ? [checkpointCallback(backup, model, saved, { progress, counters, callbacks, seconds })] : [];
	await endingItself(async () => {
		try {
			await withSteps(model, step, test, () =>
				model.fitDataset(trained.dataset, {
					epochs,
					initialEpoch: saved?.stopped ? epochs : saved?.epoch,
					validationData: validated?.dataset,
					classWeight,
					verbose: 0,
					callbacks: [reporter, ...(callbacks as tf.CustomCallback[]), ...keeper],
				}),
			);
			if (backup) rmSync(backup, { force: true });
		} catch (error) {
			if (!kernel()?.current().signal.aborted) throw error;
		}
	});
	onProgress?.({ ...progress, done: true });
	return { ...progress.history, epochsRun: progress.history.loss.length, seconds: seconds() };
}

/** Checks model and data, and returns the functions that train and test on a batch with what feeds them. */
function preparedSteps(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ validationData, fast = true }: TrainOptions,
) {
	requireCompiled(model);
	requireSameClasses(model, classNamesOf(data));
	crossEntropyFromLogits(model);
	const compiled = compiledModel(model);
	const trained = feed(data, fast);
	const validated = validationData && feed(validationData, fast);
	const step = weighted(trainStep(compiled, trained.prepare, { fast }), trained.sampleWeights);
	const test = validated && testStep(compiled, validated.prepare, { fast });
	return { trained, validated, step, test };
}
