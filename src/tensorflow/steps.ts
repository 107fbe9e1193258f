// Trains, evaluates and predicts models of tf.layers as TensorFlow graphs: one run a batch.
//
// tf.layers has one function for a training step and one for a test step. Both stay as they are and are traced
// (see graph.ts): losses, metrics, regularizers and layers are tf.layers' own, and so is the loop around them. Only
// these are put in their place while tracing:
//
//  - The optimizer's formulas, by TensorFlow's own operations: Adam (as Keras computes it), SGD, SGD with momentum.
//  - The gradient of ReLU, which tfjs composes of six operations, by TensorFlow's own.
//  - The order of convolution, bias, ReLU and max pooling: max(relu(x + b)) = relu(max(x) + b), at a quarter of the cost.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withFusedOperations } from "./fusion";
import { traced } from "./graph";
import { allLayers, type Compiled } from "./layers-model";
import { type Adam, type Momentum, withOptimizerStep } from "./optimizers";
import { withSeededMasks } from "./random";
import { CannotTrace, type TensorFunction } from "./trace";

/** Makes a model's input of what a dataset gives: floats of packed bytes, for example. */
export type Prepare = (xs: tf.Tensor) => tf.Tensor;

/** How a model is run: as graphs, or operation by operation as tf.layers does it. */
export type RunOptions = { fast: boolean };

/**
 * The function that trains on a batch, `[xs, ys, weights]` to `[loss, ...metrics]`.
 *
 * @param prepare is applied to `xs` first, as part of the graph
 */
export function trainStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const stock = withPreparedInput(model.makeTrainFunction(), prepare);
	for (const layer of allLayers(model)) if (layer.getClassName() === "Dropout") withSeededMasks(layer);
	if (!fast) return stock;
	const optimizer = model.optimizer_ as tf.Optimizer & { incrementIterations(): void };
	const trace = () =>
		traced((inputs) => withFusedOperations(model, () => withOptimizerStep(model, () => stock(inputs))));
	const step = memoized(model.lossFunctions, "train", prepare, () => untilReset(optimizer, trace));
	return withEagerFallback(model, stock, (inputs) => {
		const results = step(inputs);
		optimizer.incrementIterations();
		return results;
	});
}

/** Traces anew when an optimizer has been given other slots by its `setWeights`. */
function untilReset(optimizer: tf.Optimizer, trace: () => TensorFunction): TensorFunction {
	const slots = () => {
		const { accumulatedFirstMoment, accumulations } = optimizer as unknown as Partial<Adam & Momentum>;
		return accumulatedFirstMoment ?? accumulations;
	};
	let [step, used] = [trace(), slots()];
	return (inputs) => {
		if (slots() !== used) [step, used] = [trace(), slots()];
		return step(inputs);
	};
}

/** The function that tests a batch, `[xs, ys]` to `[loss, ...metrics]`. */
export function testStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	model.makeTestFunction();
	const stock = withPreparedInput(model.testFunction, prepare);
	if (!fast) return stock;
	const step = memoized(model.lossFunctions, "test", prepare, () =>
		traced((inputs) => withFusedOperations(model, () => stock(inputs))),
	);
	return withEagerFallback(model, stock, step);
}

/** The function that predicts a batch, `[xs]` to the outputs of the model. */
export function predictStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const predict: TensorFunction = ([xs]) => [tf.tidy(() => model.apply(xs, { training: false }) as tf.Tensor)].flat();
	const stock = withPreparedInput(predict, prepare);
	if (!fast) return stock;
	const step = memoized(model, "predict", prepare, () =>
		traced((inputs) => withFusedOperations(model, () => stock(inputs))),
	);
	return withEagerFallback(model, stock, step);
}

function withPreparedInput(step: TensorFunction, prepare: Prepare): TensorFunction {
	return ([batch, ...others]) => {
		const xs = tf.tidy(() => prepare(batch));
		const results = step([xs, ...others]);
		if (xs !== batch) xs.dispose();
		return results;
	};
}

/** What was said of a model. */
const printedFallbacks = new WeakMap<object, string>();

/** Runs the graph; if the model cannot be one, says so in one line and goes on without. */
function withEagerFallback(model: object, stock: TensorFunction, fast: TensorFunction): TensorFunction {
	let chosen = fast;
	return (inputs) => {
		try {
			return chosen(inputs);
		} catch (error) {
			if (!(error instanceof CannotTrace)) throw error;
			const why = `This model cannot run as one graph: ${error.message}. It runs operation by operation, slower.`;
			if (printedFallbacks.get(model) !== why) console.log(why);
			printedFallbacks.set(model, why);
			chosen = stock;
			return stock(inputs);
		}
	};
}

/** The graphs of a model, until it is compiled anew or gone. */
const graphs = new WeakMap<object, Map<string, WeakMap<Prepare, TensorFunction>>>();

function memoized(owner: object, kind: string, prepare: Prepare, make: () => TensorFunction): TensorFunction {
	const kinds = graphs.get(owner) ?? new Map<string, WeakMap<Prepare, TensorFunction>>();
	graphs.set(owner, kinds);
	const functions = kinds.get(kind) ?? new WeakMap<Prepare, TensorFunction>();
	kinds.set(kind, functions);
	const known = functions.get(prepare) ?? make();
	functions.set(prepare, known);
	return known;
}
