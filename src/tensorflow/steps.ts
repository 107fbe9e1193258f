// Training, test and prediction steps as graphs, with eager fallback.
//
// tf.layers has one function for a training step and one for a test step. Both are traced as they are (see graph.ts):
// losses, metrics, regularizers, layers and the loop are tf.layers' own. Only three parts are replaced while tracing:
//
//  - The optimizer's formulas, by TensorFlow ops: Adam (as in Keras), SGD, SGD with momentum. See optimizers.ts.
//  - The gradient of ReLU, by TensorFlow's `ReluGrad`. See fusion.ts.
//  - The order of convolution, bias, ReLU and max pooling. See fusion.ts.
import * as tf from "@tensorflow/tfjs-node-gpu";
import "./frozen-layers";
import { withFusedInference, withFusedOperations } from "./fusion";
import { traced } from "./graph";
import { allLayers, type Compiled } from "./layers-model";
import { withLogits } from "./logits";
import { slotsOf, withOptimizerStep } from "./optimizers";
import { arithmeticOf } from "./precision";
import { withSeededMasks } from "./random";
import type { TensorFunction } from "./trace";
import { CannotTrace } from "./trace-nodes";

/** Converts a dataset's `xs` to the input of the model, for example packed bytes to floats. */
export type Prepare = (xs: tf.Tensor) => tf.Tensor;

/** Options of the steps. `fast`: whether to run as a graph; or else eagerly, as tf.layers does. */
export type RunOptions = { fast: boolean };

/**
 * Returns the training step of a compiled model: `[xs, ys, weights]` to `[loss, ...metrics]`.
 *
 * @param prepare is applied to `xs`, as part of the graph
 */
export function trainStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const eager = withPreparedInput(model.makeTrainFunction(), prepare);
	for (const layer of allLayers(model)) if (layer.getClassName() === "Dropout") withSeededMasks(layer);
	if (!fast) return eager;
	const optimizer = model.optimizer_ as tf.Optimizer & { incrementIterations(): void };
	const arithmetic = arithmeticOf(model);
	const run: TensorFunction = (inputs) =>
		withFusedOperations(model, () => withOptimizerStep(model, () => eager(inputs)));
	const trace = () => traced(run, arithmetic);
	const kind = `train in ${arithmetic}`;
	const step = memoized(model.lossFunctions, kind, prepare, () => retracedOnNewSlots(optimizer, trace));
	return withEagerFallback(model, eager, (inputs) => {
		const results = step(inputs);
		// tfjs's own optimizers count their steps; the graph does not call them.
		optimizer.incrementIterations();
		return results;
	});
}

/** Traces the step again when the optimizer's `setWeights` has replaced the slot variables, which the graph refers to. */
function retracedOnNewSlots(optimizer: tf.Optimizer, trace: () => TensorFunction): TensorFunction {
	let [step, slots] = [trace(), slotsOf(optimizer)];
	return (inputs) => {
		if (slotsOf(optimizer) !== slots) [step, slots] = [trace(), slotsOf(optimizer)];
		return step(inputs);
	};
}

/** Returns the test step of a compiled model: `[xs, ys]` to `[loss, ...metrics]`. */
export function testStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	model.makeTestFunction();
	const eager = withPreparedInput(model.testFunction, prepare);
	if (!fast) return eager;
	const arithmetic = arithmeticOf(model);
	const step = memoized(model.lossFunctions, `test in ${arithmetic}`, prepare, () =>
		traced((inputs) => withFusedOperations(model, () => eager(inputs)), arithmetic),
	);
	return withEagerFallback(model, eager, step);
}

/** Returns the prediction step of a model: `[xs]` to the model's outputs, logits if it ends in softmax or sigmoid. */
export function predictStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const apply = (xs: tf.Tensor) => withLogits(model, () => model.apply(xs, { training: false }) as tf.Tensor);
	const predict: TensorFunction = ([xs]) => [tf.tidy(() => apply(xs))].flat();
	const eager = withPreparedInput(predict, prepare);
	if (!fast) return eager;
	const arithmetic = arithmeticOf(model);
	const step = memoized(model, `predict in ${arithmetic}`, prepare, () =>
		traced((inputs) => withFusedInference(model, () => eager(inputs)), arithmetic),
	);
	return withEagerFallback(model, eager, step);
}

function withPreparedInput(step: TensorFunction, prepare: Prepare): TensorFunction {
	return ([batch, ...others]) => {
		const xs = tf.tidy(() => prepare(batch));
		const results = step([xs, ...others]);
		if (xs !== batch) xs.dispose();
		return results;
	};
}

/** Fallback messages already printed, by model. */
const printedFallbacks = new WeakMap<object, string>();

/** Runs the graph; when the model cannot be traced, prints why, once, and runs eagerly from then on. */
function withEagerFallback(model: object, eager: TensorFunction, graph: TensorFunction): TensorFunction {
	let step = graph;
	return (inputs) => {
		try {
			return step(inputs);
		} catch (error) {
			if (!(error instanceof CannotTrace)) throw error;
			const message = `This model cannot run as one graph: ${error.message}. It runs operation by operation, slower.`;
			if (printedFallbacks.get(model) !== message) console.log(message);
			printedFallbacks.set(model, message);
			step = eager;
			return eager(inputs);
		}
	};
}

/** Compiled steps by owner, kind and `prepare`: kept until the owner is garbage-collected. */
const steps = new WeakMap<object, Map<string, WeakMap<Prepare, TensorFunction>>>();

/** @param owner the model; for training and test its `lossFunctions`, which each `compile` replaces */
function memoized(owner: object, kind: string, prepare: Prepare, make: () => TensorFunction): TensorFunction {
	const kinds = steps.get(owner) ?? new Map<string, WeakMap<Prepare, TensorFunction>>();
	steps.set(owner, kinds);
	const byPrepare = kinds.get(kind) ?? new WeakMap<Prepare, TensorFunction>();
	kinds.set(kind, byPrepare);
	const step = byPrepare.get(prepare) ?? make();
	byPrepare.set(prepare, step);
	return step;
}
