// Training, evaluating and keeping a model, with Keras's callbacks where tf.layers lacks them.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../augmentation/layers";
import { cnn } from "../cnn/cnn";
import { type Batch, type ImageDataset, imageDatasetFromDirectory } from "../datasets/dataset";
import { requireSameClasses } from "../metrics/inputs";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { checkInterrupt, endingItself, kernel } from "../support/kernel";
import type { TensorFunction } from "../tensorflow/graph";
import { type Counter, countersOf } from "../tensorflow/random";
import { allLayers, compiledModel, type Prepare, predictStep, testStep, trainStep } from "../tensorflow/steps";
import { backupKeeper, type Memory, type Remembering, readBackup, resume } from "./checkpoint";

/** What training recorded: one number an epoch in each list. */
export interface History {
	/** Mean training loss of each epoch. */
	loss: number[];
	/** Training accuracy, 0–1. */
	acc: number[];
	/** Loss on the validation data; empty without them. */
	valLoss: number[];
	/** Accuracy on the validation data, 0–1; empty without them. */
	valAcc: number[];
	/** How many epochs ran: fewer than asked for after an early stop. */
	epochsRun: number;
	/** How long training took, in seconds. */
	seconds: number;
}

/** Where training stands, for `onProgress`. `epoch` and `batch` count from 1; `acc` and `loss` are of this epoch so far. */
export interface Progress {
	epoch: number;
	epochs: number;
	batch: number;
	batches: number;
	/** How many pictures have been trained on, all epochs together. */
	samples: number;
	loss: number;
	acc: number;
	/** What is known of the finished epochs. */
	history: Pick<History, "loss" | "acc" | "valLoss" | "valAcc">;
	/** True once, after the last epoch. */
	done: boolean;
}

export interface TrainOptions {
	/** Batches to evaluate after each epoch. Default: none. */
	validationData?: tf.data.Dataset<Batch>;
	/** How often to go through the data. Default 5. */
	epochs?: number;
	/** How much the loss of each class counts, by its label: `{ 0: 1, 1: 3 }`. Default: all alike. */
	classWeight?: Record<number, number>;
	/**
	 * Whether each batch runs as one TensorFlow graph, see fast.ts. If not, or if the model cannot, tf.layers runs it
	 * operation by operation, at about half the speed. Default true.
	 */
	fast?: boolean;
	/** tf.layers callbacks, for example `new EarlyStopping({ patience: 2 })`. Default: none. */
	callbacks?: (tf.Callback | tf.CustomCallback)[];
	/**
	 * A file that gets, after each epoch, all that training needs to go on from there. If it is there already, training
	 * does: weights, optimizer, order of the pictures and random numbers are as if it had not been interrupted. It is
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
 * @throws when the model is not compiled, a picture cannot be decoded, or the backup cannot be written or is of another
 *   model
 */
export async function train(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	options: TrainOptions = {},
): Promise<History> {
	const { validationData, epochs = 5, classWeight, fast = true, callbacks = [], backup } = options;
	const { onProgress = printEpochs } = options;
	const history: Progress["history"] = { loss: [], acc: [], valLoss: [], valAcc: [] };
	const progress: Progress = {
		epoch: 0,
		epochs,
		batch: 0,
		batches: data.size,
		samples: 0,
		loss: 0,
		acc: 0,
		history,
		done: false,
	};
	let sums = { samples: 0, loss: 0, acc: 0 };
	const reporter = new tf.CustomCallback({
		onEpochBegin: async (epoch) => {
			sums = { samples: 0, loss: 0, acc: 0 };
			progress.epoch = epoch + 1;
		},
		onBatchEnd: async (batch, logs) => {
			const { size = 1, loss, acc } = logs as { size?: number; loss: number; acc: number };
			sums = { samples: sums.samples + size, loss: sums.loss + size * loss, acc: sums.acc + size * acc };
			progress.batch = batch + 1;
			progress.samples += size;
			progress.loss = sums.loss / sums.samples;
			progress.acc = sums.acc / sums.samples;
			onProgress?.(progress);
		},
		onEpochEnd: async (_, logs = {}) => {
			history.loss.push(logs.loss);
			history.acc.push(logs.acc);
			if (validationData) {
				history.valLoss.push(logs.val_loss);
				history.valAcc.push(logs.val_acc);
			}
			onProgress?.(progress);
		},
	});
	const started = performance.now();
	requireCompiled(model);
	requireSameClasses(model, classNamesOf(data));
	crossEntropyFromLogits(model);
	const trained = feed(data, fast);
	const validated = validationData && feed(validationData, fast);
	const step = weighted(trainStep(compiledModel(model), trained.prepare, { fast }), trained.sampleWeights);
	const test = validated && testStep(compiledModel(model), validated.prepare, { fast });

	const counters = [trained, validated].flatMap((part) => part?.counters ?? []);
	counters.push(...countersOf(allLayers(model)));
	const saved = backup ? await readBackup(backup, model) : null;
	if (saved) resume(saved, progress, counters);
	const seconds = () => (saved?.seconds ?? 0) + (performance.now() - started) / 1000;
	const keeper = backup ? [backupKeeper(backup, model, saved, { progress, counters, callbacks, seconds })] : [];
	await endingItself(async () => {
		try {
			await runningWith(model, step, test, () =>
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
	return { ...history, epochsRun: history.loss.length, seconds: seconds() };
}

/** What a model is fed with. */
interface Feed {
	/** The data, straight from their source if they have one, which stop coming when the user interrupts. */
	dataset: tf.data.Dataset<Batch>;
	/** Makes the model's input of a batch's `xs`. */
	prepare: Prepare;
	/** The weights of the samples of the batch at hand. */
	sampleWeights(): tf.Tensor | undefined;
	/** How far its order and its random numbers were used. */
	counters: Counter[];
}

function feed(data: tf.data.Dataset<Batch>, fast: boolean): Feed {
	const known = (data as ImageDataset).source;
	const source = fast ? known : undefined;
	let weights: tf.Tensor | undefined;
	const iterator = async () => {
		const batches = source ? source.batches() : await data.iterator();
		const next = async () => {
			await checkInterrupt();
			const result = await batches.next();
			weights = result.value?.sampleWeights;
			return result;
		};
		return { next };
	};
	const dataset = Object.create(data, { iterator: { value: iterator } });
	const counters = known?.counters ?? [];
	return { dataset, prepare: source?.prepare ?? asItIs, sampleWeights: () => weights, counters };
}

const asItIs: Prepare = (xs) => xs;

/** Adds the weights of the samples, by which tf.layers multiplies each sample's loss, to those of the classes. */
function weighted(step: TensorFunction, sampleWeights: () => tf.Tensor | undefined): TensorFunction {
	return ([xs, ys, classWeights]) => {
		const weights = sampleWeights();
		if (!weights) return step(classWeights ? [xs, ys, classWeights] : [xs, ys]);
		const product = classWeights ? classWeights.mul(weights) : weights.clone();
		const results = step([xs, ys, product]);
		tf.dispose([product, weights]);
		return results;
	};
}

/** Lets tf.layers' own loops run other steps. */
async function runningWith<R>(
	model: tf.LayersModel,
	train: TensorFunction | undefined,
	test: TensorFunction | undefined,
	run: () => Promise<R>,
): Promise<R> {
	const compiled: Partial<ReturnType<typeof compiledModel>> = compiledModel(model);
	if (train) compiled.makeTrainFunction = () => train;
	if (test) {
		compiled.makeTestFunction = () => {
			compiled.testFunction = test;
		};
	}
	try {
		return await run();
	} finally {
		delete compiled.makeTrainFunction;
		delete compiled.makeTestFunction;
	}
}

/** The names of a dataset's classes, if it knows them. */
const classNamesOf = (data: tf.data.Dataset<Batch>) => (data as Partial<ImageDataset>).classNames;

function requireCompiled(model: tf.LayersModel): void {
	if (!model.optimizer) throw new Error("the model is not compiled: call compile(model) first");
}

/** What tf.layers keeps of a compiled model and of an activation, as far as it is used here. */
type Loss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;
type Activation = { getClassName(): string; apply(logits: tf.Tensor): tf.Tensor };

/** What each softmax was given last, and what it made of it. */
const softmaxInputs = new WeakMap<Activation, { logits?: tf.Tensor; probabilities?: tf.Tensor }>();
const lossesFromLogits = new WeakSet<Loss>();

/**
 * Computes the cross-entropy of a model that ends in a softmax from the logits, as Keras does.
 *
 * tf.layers takes the logarithm of the rounded probabilities. On pictures of 0–255 the first steps easily make one of
 * them zero, where that has no gradient: the model would never learn again.
 */
function crossEntropyFromLogits(model: tf.LayersModel): void {
	const compiled = compiledModel(model);
	const { activation } = model.layers[model.layers.length - 1] as { activation?: Activation };
	const sparse = model.loss === "sparseCategoricalCrossentropy";
	if (!sparse && model.loss !== "categoricalCrossentropy") return;
	if (activation?.getClassName() !== "softmax" || lossesFromLogits.has(compiled.lossFunctions[0])) return;

	const last = rememberInputs(activation);
	const [fromProbabilities] = compiled.lossFunctions;
	const loss: Loss = (yTrue, yPred) => {
		if (!last.logits || last.probabilities !== yPred) return fromProbabilities(yTrue, yPred);
		const target = sparse ? tf.oneHot(yTrue.flatten().toInt(), yPred.shape[1] as number) : yTrue;
		return tf
			.logSoftmax(last.logits as tf.Tensor2D)
			.mul(target)
			.sum(-1)
			.neg();
	};
	lossesFromLogits.add(loss);
	compiled.lossFunctions = [loss];
}

function rememberInputs(softmax: Activation): { logits?: tf.Tensor; probabilities?: tf.Tensor } {
	const known = softmaxInputs.get(softmax);
	if (known) return known;
	const last: { logits?: tf.Tensor; probabilities?: tf.Tensor } = {};
	const apply = softmax.apply.bind(softmax);
	softmax.apply = (logits) => {
		// Kept beyond the layer's own tidy, until the next batch comes.
		last.logits?.dispose();
		last.logits = tf.keep(logits);
		last.probabilities = apply(logits);
		return last.probabilities;
	};
	softmaxInputs.set(softmax, last);
	return last;
}

function printEpochs({ epoch, epochs, history, batch, batches, done }: Progress): void {
	if (done || batch !== batches || history.loss.length !== epoch) return;
	const shown = Object.entries(history).flatMap(([name, values]) =>
		values.length ? [`${name} ${values[epoch - 1].toFixed(4)}`] : [],
	);
	console.log(`Epoch ${epoch}/${epochs}  ${shown.join("  ")}`);
}

export interface EarlyStoppingOptions {
	/** The log to watch: `"val_loss"`, `"val_acc"`, `"loss"` or `"acc"`. Default `"val_loss"`. */
	monitor?: string;
	/** A change smaller than this is no improvement. Default 0. */
	minDelta?: number;
	/** How many epochs without improvement to wait for. Default 0. */
	patience?: number;
	/** Whether less or more is better; `"auto"` takes more for accuracies, less for losses. Default `"auto"`. */
	mode?: "auto" | "min" | "max";
	/** Waiting starts over only at values better than this. Default: none. */
	baseline?: number;
	/** Whether the model ends with the weights of its best epoch, in place of its last. Default false. */
	restoreBestWeights?: boolean;
	/** The first epoch, from 0, that is watched. Default 0. */
	startFromEpoch?: number;
}

/**
 * Ends training when the watched value no longer improves: `keras.callbacks.EarlyStopping` (Keras 3).
 *
 * tf.layers has a callback of this name that cannot restore weights. As in Keras 3 the best weights come back at the
 * end of training, also when all epochs ran.
 */
export class EarlyStopping extends tf.Callback implements Remembering {
	/** The epoch, from 0, with the best value so far. */
	bestEpoch = 0;
	/** The epoch, from 0, after which training was stopped; 0 when it was not. */
	stoppedEpoch = 0;
	private wait = 0;
	private best: number | null = null;
	private bestWeights: tf.Tensor[] = [];

	constructor(private readonly options: EarlyStoppingOptions = {}) {
		super();
	}

	override async onTrainBegin(): Promise<void> {
		this.bestEpoch = 0;
		this.stoppedEpoch = 0;
		this.wait = 0;
		this.best = null;
		this.keepWeights([]);
	}

	override async onEpochEnd(epoch: number, logs: tf.Logs = {}): Promise<void> {
		const { monitor = "val_loss", patience = 0, baseline, restoreBestWeights, startFromEpoch = 0 } = this.options;
		const current = logs[monitor];
		if (current === undefined) {
			const known = Object.keys(logs).filter((name) => name !== "epoch");
			throw new Error(`EarlyStopping watches ${monitor}, but training logs ${known.join(", ")}`);
		}
		if (epoch < startFromEpoch) return;
		const improved = this.improves(current, this.best);
		if (restoreBestWeights && (improved || this.bestWeights.length === 0)) {
			this.bestEpoch = epoch;
			this.keepWeights(this.weights().map((weight) => tf.keep(weight.clone())));
		}
		this.wait++;
		if (improved) {
			this.best = current;
			this.bestEpoch = epoch;
			if (baseline === undefined || this.improves(current, baseline)) this.wait = 0;
		} else if (this.wait >= patience && epoch > 0) {
			this.stoppedEpoch = epoch;
			(this.model as tf.LayersModel).stopTraining = true;
		}
	}

	override async onTrainEnd(): Promise<void> {
		if (this.bestWeights.length > 0) (this.model as tf.LayersModel).setWeights(this.bestWeights);
		this.keepWeights([]);
	}

	memory(): Memory {
		const { bestEpoch, stoppedEpoch, wait, best } = this;
		return { values: { bestEpoch, stoppedEpoch, wait, best }, weights: this.bestWeights };
	}

	recall({ values, weights }: Memory): void {
		Object.assign(this, values);
		this.keepWeights(weights.map((weight) => tf.keep(weight)));
	}

	private weights(): tf.Tensor[] {
		return (this.model as tf.LayersModel).getWeights();
	}

	private keepWeights(weights: tf.Tensor[]): void {
		tf.dispose(this.bestWeights);
		this.bestWeights = weights;
	}

	private improves(value: number, than: number | null): boolean {
		const { monitor = "val_loss", minDelta = 0, mode = "auto" } = this.options;
		if (than === null) return true;
		const more = mode === "max" || (mode === "auto" && /acc|auc|precision|recall|f1/i.test(monitor));
		return more ? value - Math.abs(minDelta) > than : value + Math.abs(minDelta) < than;
	}
}

/**
 * Measures a compiled model on batches: `model.evaluate`.
 *
 * @param options `fast`: as for `train`
 * @returns the mean loss and the accuracy (0–1) over all samples
 */
export async function evaluate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<{ loss: number; accuracy: number }> {
	requireCompiled(model);
	requireSameClasses(model, classNamesOf(data));
	crossEntropyFromLogits(model);
	const { dataset, prepare } = feed(data, fast);
	const test = testStep(compiledModel(model), prepare, { fast });
	const scores = (await runningWith(model, undefined, test, () =>
		model.evaluateDataset(dataset as Parameters<typeof model.evaluateDataset>[0], {}),
	)) as tf.Scalar[];
	const [loss, accuracy] = scores.map((score) => score.dataSync()[0]);
	tf.dispose(scores);
	return { loss, accuracy };
}

/** What a model says of a dataset, sample by sample, in the dataset's order. */
export interface Predictions {
	/** The true labels. */
	yTrue: number[];
	/** The labels with the greatest probability. */
	yPred: number[];
	/** The probability of each class, 0–1. */
	probabilities: number[][];
}

/**
 * Predicts a dataset with int labels, batch by batch: the loop that the Keras pipeline writes out for its report.
 *
 * Use a dataset made with `shuffle: false` if the order matters.
 *
 * @param options `fast`: as for `train`
 */
export async function predict(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ fast = true }: Pick<TrainOptions, "fast"> = {},
): Promise<Predictions> {
	requireSameClasses(model, classNamesOf(data));
	const result: Predictions = { yTrue: [], yPred: [], probabilities: [] };
	const { dataset, prepare } = feed(data, fast);
	const step = predictStep(compiledModel(model), prepare, { fast });
	const batches = await dataset.iterator();
	for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
		const { xs, ys } = batch.value;
		const [output] = step([xs]);
		const probabilities = output.arraySync() as number[][];
		result.yTrue.push(...ys.dataSync());
		result.probabilities.push(...probabilities);
		result.yPred.push(...probabilities.map((row) => row.indexOf(Math.max(...row))));
		tf.dispose([xs, ys, output]);
	}
	return result;
}

/** What is kept beside a model's weights. */
export interface ModelRecord {
	/** The folder that the model was trained on. */
	dataset: string;
	classNames: string[];
	/** The parameters of the run that trained it. */
	parameters: TrainingParameters;
	history: History;
}

/** Saves a model as `<artifacts>/model/` (tfjs layers format) and what belongs to it as `<artifacts>/training.json`. */
export async function saveModel(model: tf.LayersModel, artifacts: string, record: ModelRecord): Promise<void> {
	mkdirSync(join(artifacts, "model"), { recursive: true });
	// Interrupted in between, a new model must not stand beside an old record.
	rmSync(join(artifacts, "training.json"), { force: true });
	await model.save(`file://${resolve(artifacts, "model")}`);
	saveArtifact(artifacts, "training", { ...record, dataset: resolve(record.dataset) });
}

/**
 * Loads what `saveModel` saved, ready to predict and evaluate.
 *
 * @returns the model and its record, or `null` when none is saved
 */
export async function loadModel(artifacts: string): Promise<{ model: tf.LayersModel; record: ModelRecord } | null> {
	const record = loadArtifact<ModelRecord>(artifacts, "training");
	if (!record) return null;
	const model = await tf.loadLayersModel(`file://${resolve(artifacts, "model", "model.json")}`);
	compile(model, record.parameters.learningRate);
	return { model, record };
}

/** The parameters of a training run, named as in the notebooks. */
export interface TrainingParameters {
	/** The width and height in pixels that pictures are resized to. Default 64. */
	imageSize: number;
	/** Default 32. */
	batchSize: number;
	/** Default 5. */
	epochs: number;
	/** Default 0.001, as in Keras. */
	learningRate: number;
	/** Default 2. */
	patience: number;
	/** Default 42. */
	seed: number;
	/** Whether training pictures are flipped, turned and zoomed at random. Default true. */
	augment: boolean;
	/** The share of hidden units switched off at each step. Default 0.4. */
	dropout: number;
}

/** The pipeline's own values. */
export const DEFAULT_PARAMETERS: TrainingParameters = {
	imageSize: 64,
	batchSize: 32,
	epochs: 5,
	learningRate: 0.001,
	patience: 2,
	seed: 42,
	augment: true,
	dropout: 0.4,
};

/** Compiles as the Keras pipeline does: Adam, sparse categorical cross-entropy, accuracy. */
export function compile(model: tf.LayersModel, learningRate = 0.001): void {
	model.compile({
		optimizer: tf.train.adam(learningRate),
		loss: "sparseCategoricalCrossentropy",
		metrics: ["accuracy"],
	});
	// tf.layers disposes an optimizer with its model only if it made it itself.
	(model as unknown as { isOptimizerOwned: boolean }).isOptimizerOwned = true;
}

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
		saved?.record.dataset === resolve(dataset) &&
		JSON.stringify(saved.record.parameters) === JSON.stringify(parameters);
	if (saved && same) return saved;

	console.log(`No model of this data set and these parameters in ${artifacts}: training one first.`);
	const { model, history, classNames } = await trainFrom(dataset, parameters);
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
export async function trainFrom(
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
