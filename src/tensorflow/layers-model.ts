// The private fields of tf.layers models that this project reads or replaces.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { TensorFunction } from "./trace";

/**
 * A compiled model with the private fields that this project uses. tf.layers has no public way to run or replace a single
 * training or test step, as Keras's `train_step` and `test_step` are; all of them can go when it has.
 *
 *  - `makeTrainFunction`, `makeTestFunction`, `testFunction`: the steps, which `steps.ts` traces and `withSteps` replaces.
 *  - `optimizer_`: `optimizers.ts` replaces it while tracing.
 *  - `lossFunctions`: `logits.ts` replaces them; their array also identifies a compilation.
 *  - `metricsNames`, `metricsTensors`: `accuracy.ts` replaces the accuracy.
 */
export type Compiled = Pick<tf.LayersModel, "layers" | "outputs" | "apply"> & {
	lossFunctions: ((yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor)[];
	metricsNames: string[];
	metricsTensors: [metric: (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor, output: number][];
	optimizer_: tf.Optimizer;
	makeTrainFunction(): TensorFunction;
	makeTestFunction(): void;
	testFunction: TensorFunction;
};

/** Returns the model that tf.layers trains: for a Sequential its private functional `model`, or else the model itself. */
export const compiledModel = (model: tf.LayersModel) => ("model" in model ? model.model : model) as unknown as Compiled;

/** Returns the layers of a model, nested models and their layers included. */
export function allLayers(model: Pick<tf.LayersModel, "layers">): tf.layers.Layer[] {
	return model.layers.flatMap((layer) => [layer, ...("layers" in layer ? allLayers(layer as tf.LayersModel) : [])]);
}

/**
 * Makes `model.dispose()` dispose the optimizer too.
 *
 * Sets `isOptimizerOwned`, which tf.layers sets only for an optimizer that is given by name (tensorflow/tfjs#995). Can go
 * when `compile` has an option for that.
 */
export function disposeOptimizerWithModel(model: tf.LayersModel): void {
	(model as unknown as { isOptimizerOwned: boolean }).isOptimizerOwned = true;
}

/**
 * An optimizer's `learningRate` is protected, and only SGD has a setter, without which its eager step keeps the old rate.
 * Can go when all optimizers have one.
 */
type Rated = { learningRate: number; setLearningRate?(rate: number): void };

/** Returns the learning rate of a compiled model. */
export const learningRateOf = (model: tf.LayersModel) => (model.optimizer as unknown as Rated).learningRate;

/** Sets the learning rate of a compiled model, from its next step on. The optimizer keeps its state. */
export function setLearningRate({ optimizer }: Pick<tf.LayersModel, "optimizer">, rate: number): void {
	const rated = optimizer as unknown as Rated;
	if (rated.setLearningRate) rated.setLearningRate(rate);
	else rated.learningRate = rate;
}

/**
 * Runs `fitDataset` or `evaluateDataset` with other steps.
 *
 * Replaces `makeTrainFunction` and `makeTestFunction` of the model, because tf.layers' loops take no other steps. Can go
 * when they do, as with Keras's `train_step`.
 *
 * @param train the training step. Default: tf.layers' own
 * @param test the test step. Default: tf.layers' own
 */
export async function withSteps<R>(
	model: tf.LayersModel,
	train: TensorFunction | undefined,
	test: TensorFunction | undefined,
	run: () => Promise<R>,
): Promise<R> {
	const compiled: Partial<Compiled> = compiledModel(model);
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
