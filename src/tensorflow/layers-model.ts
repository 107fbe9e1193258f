// The private fields of tf.layers models that this project reads or replaces.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { TensorFunction } from "./trace";

/** What is used of a compiled model; most of it tf.layers keeps to itself. */
export type Compiled = Pick<tf.LayersModel, "layers" | "outputs" | "apply"> & {
	lossFunctions: ((yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor)[];
	optimizer_: tf.Optimizer;
	makeTrainFunction(): TensorFunction;
	makeTestFunction(): void;
	testFunction: TensorFunction;
};

/** A Sequential hands its work to a functional model of its layers. */
export const compiledModel = (model: tf.LayersModel) => ("model" in model ? model.model : model) as unknown as Compiled;

/** The layers of a model, and those of the models among them. */
export function allLayers(model: Pick<tf.LayersModel, "layers">): tf.layers.Layer[] {
	return model.layers.flatMap((layer) => [layer, ...("layers" in layer ? allLayers(layer as tf.LayersModel) : [])]);
}

/** Has `model.dispose()` dispose the optimizer too, which tf.layers does only for one that it made itself. */
export function disposeOptimizerWithModel(model: tf.LayersModel): void {
	(model as unknown as { isOptimizerOwned: boolean }).isOptimizerOwned = true;
}

type WithRate = { optimizer: { learningRate: number } };

/** The learning rate that the next step takes. */
export const learningRateOf = (model: tf.LayersModel) => (model as unknown as WithRate).optimizer.learningRate;

/** Changes the learning rate of a compiled model; its optimizer keeps what it has gathered. */
export function setLearningRate(model: tf.LayersModel, rate: number): void {
	(model as unknown as WithRate).optimizer.learningRate = rate;
}

export const modelOf = (callback: tf.Callback) => (callback as unknown as { model: tf.LayersModel }).model;

/** Lets tf.layers' own loops run other steps. */
export async function withSteps<R>(
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
