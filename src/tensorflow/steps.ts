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
import { CannotTrace, liveNumber, type TensorFunction, traced, update } from "./graph";
import { DType, runOperation } from "./graphdef";
import { withNativeMasks } from "./random";

/** Makes a model's input of what a dataset gives: floats of packed bytes, for example. */
export type Prepare = (xs: tf.Tensor) => tf.Tensor;

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

/** How a model is run: as graphs, or operation by operation as tf.layers does it. */
export type RunOptions = { fast: boolean };

/**
 * The function that trains on a batch, `[xs, ys, weights]` to `[loss, ...metrics]`.
 *
 * @param prepare is applied to `xs` first, as part of the graph
 */
export function trainStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const stock = prepared(model.makeTrainFunction(), prepare);
	for (const layer of allLayers(model)) if (layer.getClassName() === "Dropout") withNativeMasks(layer);
	if (!fast) return stock;
	const optimizer = model.optimizer_ as tf.Optimizer & { incrementIterations(): void };
	const trace = () => traced((inputs) => withNativeParts(model, () => withNativeOptimizer(model, () => stock(inputs))));
	const step = remembered(model.lossFunctions, "train", prepare, () => untilReset(optimizer, trace));
	return orElse(model, stock, (inputs) => {
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
	const stock = prepared(model.testFunction, prepare);
	if (!fast) return stock;
	const step = remembered(model.lossFunctions, "test", prepare, () =>
		traced((inputs) => withNativeParts(model, () => stock(inputs))),
	);
	return orElse(model, stock, step);
}

/** The function that predicts a batch, `[xs]` to the outputs of the model. */
export function predictStep(model: Compiled, prepare: Prepare, { fast }: RunOptions): TensorFunction {
	const predict: TensorFunction = ([xs]) => [tf.tidy(() => model.apply(xs, { training: false }) as tf.Tensor)].flat();
	const stock = prepared(predict, prepare);
	if (!fast) return stock;
	const step = remembered(model, "predict", prepare, () =>
		traced((inputs) => withNativeParts(model, () => stock(inputs))),
	);
	return orElse(model, stock, step);
}

function prepared(step: TensorFunction, prepare: Prepare): TensorFunction {
	return ([batch, ...others]) => {
		const xs = tf.tidy(() => prepare(batch));
		const results = step([xs, ...others]);
		if (xs !== batch) xs.dispose();
		return results;
	};
}

/** What was said of a model. */
const said = new WeakMap<object, string>();

/** Runs the graph; if the model cannot be one, says so in one line and goes on without. */
function orElse(model: object, stock: TensorFunction, fast: TensorFunction): TensorFunction {
	let chosen = fast;
	return (inputs) => {
		try {
			return chosen(inputs);
		} catch (error) {
			if (!(error instanceof CannotTrace)) throw error;
			const why = `This model cannot run as one graph: ${error.message}. It runs operation by operation, slower.`;
			if (said.get(model) !== why) console.log(why);
			said.set(model, why);
			chosen = stock;
			return stock(inputs);
		}
	};
}

/** The graphs of a model, until it is compiled anew or gone. */
const graphs = new WeakMap<object, Map<string, WeakMap<Prepare, TensorFunction>>>();

function remembered(owner: object, kind: string, prepare: Prepare, make: () => TensorFunction): TensorFunction {
	const kinds = graphs.get(owner) ?? new Map<string, WeakMap<Prepare, TensorFunction>>();
	graphs.set(owner, kinds);
	const functions = kinds.get(kind) ?? new WeakMap<Prepare, TensorFunction>();
	kinds.set(kind, functions);
	const known = functions.get(prepare) ?? make();
	functions.set(prepare, known);
	return known;
}

/** The layers of a model, and those of the models among them. */
export function allLayers(model: Pick<tf.LayersModel, "layers">): tf.layers.Layer[] {
	return model.layers.flatMap((layer) => [layer, ...("layers" in layer ? allLayers(layer as tf.LayersModel) : [])]);
}

/** An optimizer's step as nodes of the graph: `gradients[i]` is that of `variables[i]`. */
type NativeOptimizer = (variables: tf.Variable[], gradients: tf.Tensor[]) => void;
type Slot = { originalName: string; variable: tf.Variable };

const T = { type: DType.float32 };
const use_locking = { b: false };

function nativeOptimizer(optimizer: tf.Optimizer): NativeOptimizer {
	const kind = optimizer.constructor;
	if (kind === tf.SGDOptimizer) return sgd(optimizer as unknown as Sgd);
	if (kind === tf.MomentumOptimizer) return momentum(optimizer as unknown as Momentum);
	if (kind === tf.AdamOptimizer) return adam(optimizer as unknown as Adam);
	throw new CannotTrace(`its optimizer is ${optimizer.getClassName()}`);
}

/** The fields of tfjs's optimizers; what they learned stays in them, so that training can go on in either way. */
type Sgd = { learningRate: number };
type Momentum = Sgd & { momentum: number; useNesterov: boolean; accumulations: Slot[] };
type Adam = {
	learningRate: number;
	beta1: number;
	beta2: number;
	epsilon: number;
	accBeta1: tf.Variable;
	accBeta2: tf.Variable;
	accumulatedFirstMoment: Slot[];
	accumulatedSecondMoment: Slot[];
};

function sgd(optimizer: Sgd): NativeOptimizer {
	return (variables, gradients) => {
		const learningRate = liveNumber(() => optimizer.learningRate);
		variables.forEach((variable, i) => {
			update("ResourceApplyGradientDescent", [variable], [learningRate, gradients[i]], { T, use_locking });
		});
	};
}

function momentum(optimizer: Momentum): NativeOptimizer {
	return (variables, gradients) => {
		const learningRate = liveNumber(() => optimizer.learningRate);
		const decay = liveNumber(() => optimizer.momentum);
		const use_nesterov = { b: optimizer.useNesterov };
		variables.forEach((variable, i) => {
			const sum = slot(optimizer.accumulations, i, variable, "momentum");
			const inputs = [learningRate, gradients[i], decay];
			update("ResourceApplyMomentum", [variable, sum], inputs, { T, use_locking, use_nesterov });
		});
	};
}

/** As Keras: epsilon is added to the uncorrected root of the second moment; tfjs adds it to the corrected one. */
function adam(optimizer: Adam): NativeOptimizer {
	return (variables, gradients) => {
		const { accBeta1, accBeta2, accumulatedFirstMoment, accumulatedSecondMoment } = optimizer;
		const rates = [accBeta1, accBeta2, liveNumber(() => optimizer.learningRate)];
		const constants = [optimizer.beta1, optimizer.beta2, optimizer.epsilon].map((value) => tf.scalar(value));
		const inputs = [...rates.map((rate) => rate.clone()), ...constants];
		variables.forEach((variable, i) => {
			const first = slot(accumulatedFirstMoment, i, variable, "m");
			const second = slot(accumulatedSecondMoment, i, variable, "v");
			const attr = { T, use_locking, use_nesterov: { b: false } };
			update("ResourceApplyAdam", [variable, first, second], [...inputs, gradients[i]], attr);
		});
		accBeta1.assign(accBeta1.mul(optimizer.beta1));
		accBeta2.assign(accBeta2.mul(optimizer.beta2));
	};
}

function slot(slots: Slot[], i: number, variable: tf.Variable, name: string): tf.Variable {
	slots[i] ??= { originalName: `${variable.name}/${name}`, variable: tf.zerosLike(variable).variable(false) };
	return slots[i].variable;
}

function withNativeOptimizer<R>(model: Compiled, run: () => R): R {
	const optimizer = model.optimizer_;
	const apply = nativeOptimizer(optimizer);
	const minimize = (loss: () => tf.Scalar, _returnCost: boolean, variables: tf.Variable[]) => {
		const { value, grads } = tf.variableGrads(loss, variables);
		const trained = variables.filter(({ name }) => grads[name]);
		apply(
			trained,
			trained.map(({ name }) => grads[name]),
		);
		return value;
	};
	model.optimizer_ = { minimize } as unknown as tf.Optimizer;
	try {
		return run();
	} finally {
		model.optimizer_ = optimizer;
	}
}

function withNativeParts<R>(model: Compiled, run: () => R): R {
	const undo = [...poolsFirst(model), nativeReluGradient()];
	try {
		return run();
	} finally {
		for (const restore of undo) restore();
	}
}

function nativeReluGradient(): () => void {
	const stock = tf.getGradient("Relu");
	tf.unregisterGradient("Relu");
	tf.registerGradient({
		kernelName: "Relu",
		outputsToSave: [true],
		gradFunc: (dy, [y]) => ({ x: () => runOperation("ReluGrad", { T: DType.float32 }, [dy as tf.Tensor, y]) }),
	});
	return () => {
		tf.unregisterGradient("Relu");
		tf.registerGradient(stock);
	};
}

/** What is used of tf.layers' convolutions. */
type Convolution = tf.layers.Layer & {
	activation: { getClassName(): string };
	kernel: tf.LayerVariable;
	bias: tf.LayerVariable | null;
	strides: [number, number];
	padding: "valid" | "same";
	dataFormat: string;
	dilationRate: [number, number];
};

/** Lets each convolution with ReLU that only a max pooling follows do without bias and ReLU, and the pooling do them. */
function poolsFirst(model: Compiled): (() => void)[] {
	const outputs = new Set([model, ...allLayers(model)].flatMap((part) => outputLayers(part)));
	return allLayers(model).flatMap((layer) => {
		const convolution = layer as Convolution;
		const pooling = outputs.has(convolution) ? null : onlyFollower(convolution);
		const suits =
			convolution.getClassName() === "Conv2D" &&
			convolution.activation.getClassName() === "relu" &&
			convolution.dataFormat === "channelsLast" &&
			pooling?.getClassName() === "MaxPooling2D";
		if (!suits) return [];
		const { kernel, bias, strides, padding, dilationRate } = convolution;
		const only = (tensors: tf.Tensor | tf.Tensor[]) => [tensors].flat()[0] as tf.Tensor4D;
		const pool = pooling.call.bind(pooling);
		return [
			replaceCall(convolution, (inputs) =>
				tf.conv2d(only(inputs), kernel.read() as tf.Tensor4D, strides, padding, "NHWC", dilationRate),
			),
			replaceCall(pooling, (inputs, kwargs) =>
				tf.tidy(() => {
					const pooled = only(pool(inputs, kwargs));
					return tf.relu(bias ? pooled.add(bias.read()) : pooled);
				}),
			),
		];
	});
}

type Node = { outboundLayer: tf.layers.Layer };
type Connected = { inboundNodes: Node[]; outboundNodes: Node[] };

/** The layers whose outputs are those of a model; other layers have none. */
function outputLayers(part: object): tf.layers.Layer[] {
	const { outputs = [] } = part as { outputs?: { sourceLayer: unknown }[] };
	return outputs.map(({ sourceLayer }) => sourceLayer as tf.layers.Layer);
}

/** The layer that alone takes what another one gives, if both are used once. */
function onlyFollower(layer: tf.layers.Layer): tf.layers.Layer | null {
	const { inboundNodes, outboundNodes } = layer as unknown as Connected;
	if (inboundNodes.length !== 1 || outboundNodes.length !== 1) return null;
	const [{ outboundLayer }] = outboundNodes;
	return (outboundLayer as unknown as Connected).inboundNodes.length === 1 ? outboundLayer : null;
}

function replaceCall(layer: tf.layers.Layer, call: tf.layers.Layer["call"]): () => void {
	const own = Object.getOwnPropertyDescriptor(layer, "call");
	layer.call = call;
	return () => {
		if (own) Object.defineProperty(layer, "call", own);
		else delete (layer as { call?: unknown }).call;
	};
}
