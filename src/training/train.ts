// The training loop: `train`.
import { rmSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { requireSameClasses } from "../datasets/classes";
import type { Batch } from "../datasets/types";
import { endingItself, kernel } from "../support/kernel";
import { allLayers, compiledModel, withSteps } from "../tensorflow/layers-model";
import { countersOf } from "../tensorflow/random";
import { testStep, trainStep } from "../tensorflow/steps";
import { checkpointCallback, restoreCheckpoint, restoreProgress } from "./checkpoint";
import { classesOf, recordClasses } from "./classes";
import { prepareCompiled, requireWeightedLoss } from "./compile";
import { Diverged, divergenceChecks } from "./divergence";
import { EvaluateAfterEpoch } from "./evaluate-after-epoch";
import { feed, weighted } from "./feed";
import type { History, Progress } from "./history";
import { labelCheck } from "./labels";
import { printEpochs, progressCallback } from "./progress-callback";

export interface TrainOptions {
	/** Data to evaluate after each epoch. Default: none. */
	validationData?: tf.data.Dataset<Batch>;
	/** Maximum number of epochs. Default 5. */
	epochs?: number;
	/** Weight of the loss of each class, by label: `{ 0: 1, 1: 3 }`. Default: 1 for all. */
	classWeight?: Record<number, number>;
	/**
	 * Whether each step runs as one TensorFlow graph, see tensorflow/steps.ts. If false, or if the model cannot be traced,
	 * tf.layers runs it eagerly at about half the speed. Default true.
	 */
	fast?: boolean;
	/** Callbacks of tf.layers, for example `new EarlyStopping({ patience: 2 })`. Default: none. */
	callbacks?: (tf.Callback | tf.CustomCallback)[];
	/**
	 * Checkpoint file, overwritten after each epoch. If it exists, training resumes from it: weights, optimizer, shuffling
	 * and random state are restored. Deleted when training completes (`keras.callbacks.BackupAndRestore`). Default: none.
	 */
	backup?: string;
	/** Function called after each batch and epoch; `null` for silence. Default: prints one line per epoch. */
	onProgress?: ((progress: Progress) => void) | null;
}

/**
 * Trains a compiled model on a dataset: Keras's `model.fit`.
 *
 * After an interrupt training stops at the end of the current batch: the model keeps its weights, and the history covers
 * the finished epochs.
 *
 * @param model model compiled with a loss, an optimizer and `metrics: ["accuracy"]`
 * @param data batches `{ xs, ys }`, read once per epoch
 * @returns the history: one value per epoch and metric
 * @throws when the model is not compiled; when data, validation data and model differ in their classes; when the outputs do
 *   not fit the loss, or the labels; when an image cannot be decoded; when the checkpoint cannot be written or is of another
 *   model; when the loss is not a number: then callbacks end as usual, so that `EarlyStopping` restores the best weights
 */
export async function train(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	options: TrainOptions = {},
): Promise<History> {
	const { epochs = 5, classWeight, callbacks = [], backup, onProgress = printEpochs } = options;
	const started = performance.now();
	const { training, validation, step, test } = prepareSteps(model, data, options);
	const check = divergenceChecks(model, backup);
	const { progress, callback: reporter } = progressCallback(epochs, data.size, onProgress, check);
	const counters = [...training.counters, ...(validation?.counters ?? []), ...countersOf(allLayers(model))];
	const saved = backup ? await restoreCheckpoint(backup, model) : null;
	if (saved) restoreProgress(saved, progress, counters);
	const seconds = () => (saved?.seconds ?? 0) + (performance.now() - started) / 1000;
	const checkpoint = backup
		? [checkpointCallback(backup, model, saved, { progress, counters, callbacks, seconds })]
		: [];
	await endingItself(async () => {
		try {
			await withSteps(model, step, test, () =>
				model.fitDataset(training.dataset, {
					epochs,
					initialEpoch: saved?.stopped ? epochs : saved?.epoch,
					validationData: validation?.dataset,
					classWeight,
					verbose: 0,
					callbacks: [reporter, ...(callbacks as tf.CustomCallback[]), ...checkpoint],
				}),
			);
			if (backup) rmSync(backup, { force: true });
		} catch (error) {
			// As after Keras's TerminateOnNaN: `restoreBestWeights` still restores the best epoch.
			if (error instanceof Diverged) for (const callback of callbacks) await callback.onTrainEnd();
			if (!kernel()?.current().signal.aborted) throw error;
		}
	});
	onProgress?.({ ...progress, done: true });
	return { ...progress.history, epochsRun: progress.history.loss.length, seconds: seconds() };
}

/** Checks that model, data and validation data have the same classes, and records them with the model. */
function checkClasses(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	validationData?: tf.data.Dataset<Batch>,
): void {
	const [classes, validation] = [classesOf(data), validationData ? classesOf(validationData) : null];
	prepareCompiled(model, classes);
	if (classes && validation) requireSameClasses(classes, validation);
	if (classes) recordClasses(model, classes);
}

/** Checks model and data, and returns the training and the test step with the feeds of their data. */
function prepareSteps(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ validationData, classWeight, fast = true, callbacks = [] }: TrainOptions,
) {
	checkClasses(model, data, validationData);
	if (classWeight) requireWeightedLoss(model);
	const compiled = compiledModel(model);
	const check = labelCheck(model);
	const training = feed(data, fast, check);
	const validation = validationData && feed(validationData, fast, check);
	const step = weighted(model, trainStep(compiled, training.prepare, { fast }), training.sampleWeights);
	const test = validation && testStep(compiled, validation.prepare, { fast });
	for (const callback of callbacks) if (callback instanceof EvaluateAfterEpoch) callback.prepare(model, { fast });
	return { training, validation, step, test };
}
