// The logits of a network that ends in softmax or sigmoid, and the cross-entropy from them.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { compiledModel } from "./layers-model";

type Loss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;
/** The protected `activation` of a tf.layers layer. */
type Activation = { getClassName(): string; apply(logits: tf.Tensor): tf.Tensor };
/** A layer with its activation; layers such as pooling have none. */
type OutputLayer = tf.layers.Layer & { activation?: Activation };
type Outputs = Pick<tf.LayersModel, "outputs">;

/** Returns the layer whose output is the first output of a model; that of the nested model if there is one. */
function outputLayer({ outputs }: Outputs): OutputLayer {
	const { sourceLayer } = outputs[0];
	if ("outputs" in sourceLayer) return outputLayer(sourceLayer as unknown as Outputs);
	if (sourceLayer.getClassName() === "Softmax") return withActivation(sourceLayer);
	return sourceLayer as OutputLayer;
}

/**
 * Gives a layer of the class `Softmax` an `activation` as other layers have it.
 *
 * Replaces the private `softmax` of the layer. Can go when that layer has an activation.
 */
function withActivation(layer: tf.layers.Layer): OutputLayer {
	const own = layer as OutputLayer & { softmax: (logits: tf.Tensor, axis: number) => tf.Tensor };
	if (own.activation) return own;
	const { softmax } = own;
	own.activation = { getClassName: () => "softmax", apply: (logits) => softmax(logits, -1) };
	own.softmax = (logits) => (own.activation as Activation).apply(logits);
	return own;
}

/** Returns the name and the activation of a model's output layer; the activation of a layer that has none is null. */
export function outputActivation(model: Outputs): { layer: string; activation: string | null } {
	const { name, activation } = outputLayer(model);
	return { layer: name, activation: activation?.getClassName() ?? null };
}

const isProbability = (activation?: Activation) => ["softmax", "sigmoid"].includes(activation?.getClassName() ?? "");

/**
 * Runs work on a model whose output layer gives logits instead of probabilities: for Grad-CAM, since the gradient of a
 * softmax vanishes where the network is certain, and for the logarithm of a probability that is rounded to 0.
 *
 * Replaces `activation` of the output layer meanwhile, since tf.layers cannot change the activation of a built layer. Can
 * go when it can.
 */
export function withLogits<T>(model: Outputs, work: () => T): T {
	const layer = outputLayer(model);
	const { activation } = layer;
	if (!isProbability(activation)) return work();
	layer.activation = { getClassName: () => "linear", apply: (scores) => scores };
	try {
		return work();
	} finally {
		layer.activation = activation;
	}
}

/** The last input and output of an activation. */
type Applied = { logits?: tf.Tensor; probabilities?: tf.Tensor };

const appliedBy = new WeakMap<Activation, Applied>();
const lossesAsInKeras = new WeakSet<Loss>();

/** The loss from logits by the name of the loss and the activation. A target has the shape of the loss's labels. */
const LOSSES: Partial<Record<string, Loss>> = {
	"sparseCategoricalCrossentropy softmax": sparseCrossEntropy,
	"categoricalCrossentropy softmax": crossEntropy,
	"binaryCrossentropy sigmoid": binaryCrossEntropy,
};

function binaryCrossEntropy(target: tf.Tensor, logits: tf.Tensor): tf.Tensor {
	return tf
		.softplus(logits)
		.sub(logits.mul(target.reshape(logits.shape)))
		.mean(-1);
}

function sparseCrossEntropy(target: tf.Tensor, logits: tf.Tensor): tf.Tensor {
	return crossEntropy(tf.oneHot(target.flatten().toInt(), logits.shape[1] as number), logits);
}

function crossEntropy(target: tf.Tensor, logits: tf.Tensor): tf.Tensor {
	return tf
		.logSoftmax(logits as tf.Tensor2D)
		.mul(target)
		.sum(-1)
		.neg();
}

/**
 * Makes a model that ends in a softmax or a sigmoid compute its cross-entropy from the logits, as Keras does; and binary
 * cross-entropy of labels `[batch]`. Other models stay unchanged.
 *
 * Replaces the private `lossFunctions`: tf.layers takes the logarithm of rounded probabilities. For images in 0–255 the
 * first steps can round one to 0, where the clipped logarithm has no gradient, and the model never learns again. Can go
 * when tf.layers computes the loss from logits after a softmax.
 */
export function crossEntropyFromLogits(model: tf.LayersModel): void {
	const compiled = compiledModel(model);
	const [given] = compiled.lossFunctions;
	const { activation } = outputLayer(model);
	const isBinary = model.loss === "binaryCrossentropy";
	const fromLogits = activation && LOSSES[`${model.loss} ${activation.getClassName()}`];
	if (lossesAsInKeras.has(given) || !(fromLogits || isBinary)) return;

	const last = fromLogits ? rememberInputs(activation) : {};
	const loss: Loss = (yTrue, yPred) => {
		if (fromLogits && last.logits && last.probabilities === yPred) return fromLogits(yTrue, last.logits);
		// Labels `[batch]` of one unit: tf.layers takes `[batch, 1]` only.
		return given(isBinary ? yTrue.reshape(yPred.shape) : yTrue, yPred);
	};
	lossesAsInKeras.add(loss);
	compiled.lossFunctions = [loss];
}

/**
 * Makes an activation remember its last input, and returns it.
 *
 * Replaces `apply` of the activation: the loss function gets probabilities only. Can go with `crossEntropyFromLogits`.
 */
function rememberInputs(activation: Activation): Applied {
	const existing = appliedBy.get(activation);
	if (existing) return existing;
	const last: Applied = {};
	const apply = activation.apply.bind(activation);
	activation.apply = (logits) => {
		last.logits?.dispose();
		// The loss is computed after the layer's own tidy has ended, and after an input from another layer is disposed.
		last.logits = tf.keep(logits.clone());
		last.probabilities = apply(logits);
		return last.probabilities;
	};
	appliedBy.set(activation, last);
	return last;
}

/**
 * Returns whether the loss function of a compiled model is a cross-entropy of logits, such as one with
 * `tf.losses.softmaxCrossEntropy`: its value for an example is that of the formula.
 */
export function takesLogits(model: tf.LayersModel): boolean {
	const units = model.outputs[0].shape[1] as number;
	const formula = units === 1 ? binaryCrossEntropy : sparseCrossEntropy;
	return tf.tidy(() => {
		const [value] = formula(exampleLabels(units), exampleLogits(units)).mean().dataSync();
		return exampleLosses(model).some((loss) => Math.abs(loss.mean().dataSync()[0] - value) < 1e-4);
	});
}

/** Returns whether the loss function of a compiled model returns one mean instead of the loss of each sample. */
export const returnsMean = (model: tf.LayersModel): boolean =>
	tf.tidy(() => exampleLosses(model).some((loss) => loss.size === 1));

const exampleLogits = (units: number) => tf.linspace(-3, 2, 2 * units).reshape([2, units]);
const exampleLabels = (units: number) => tf.tensor1d([Math.max(1, units - 1), 0]);

/** Returns what a model's own loss function answers for two samples, with labels in each encoding that it accepts. */
function exampleLosses({ loss, outputs }: tf.LayersModel): tf.Tensor[] {
	if (typeof loss !== "function") return [];
	const units = outputs[0].shape[1] as number;
	const labels = exampleLabels(units);
	const targets = [labels, units === 1 ? labels.expandDims(1) : tf.oneHot(labels.toInt(), units).toFloat()];
	return targets.flatMap((target) => {
		try {
			return (loss as Loss)(target, exampleLogits(units));
		} catch {
			return [];
		}
	});
}
