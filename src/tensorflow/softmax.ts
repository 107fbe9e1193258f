// Cross-entropy from logits, and models without their softmax.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { compiledModel } from "./layers-model";

type Loss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;
/** The protected `activation` of a tf.layers layer. */
type Activation = { getClassName(): string; apply(logits: tf.Tensor): tf.Tensor };

/**
 * Runs work on a model whose last layer gives logits instead of probabilities, for Grad-CAM: the gradient of a softmax
 * vanishes where the network is certain.
 *
 * Replaces `activation` of the last layer meanwhile, since tf.layers cannot change the activation of a built layer. Can go
 * when it can.
 */
export function withoutSoftmax<T>(model: tf.Sequential, work: () => T): T {
	const last = model.layers[model.layers.length - 1] as unknown as { activation?: Activation };
	const { activation } = last;
	if (activation?.getClassName() !== "softmax") return work();
	last.activation = { getClassName: () => "linear", apply: (scores) => scores };
	try {
		return work();
	} finally {
		last.activation = activation;
	}
}

/** The last input and output of a softmax. */
type Applied = { logits?: tf.Tensor; probabilities?: tf.Tensor };

const appliedBySoftmax = new WeakMap<Activation, Applied>();
const lossesFromLogits = new WeakSet<Loss>();

/**
 * Makes a model that ends in a softmax compute its cross-entropy from the logits, as Keras does. Other models stay unchanged.
 *
 * Replaces the private `lossFunctions`: tf.layers takes the logarithm of rounded probabilities. For images in 0–255 the
 * first steps can round one to 0, where the clipped logarithm has no gradient, and the model never learns again. Can go
 * when tf.layers computes the loss from logits after a softmax.
 */
export function crossEntropyFromLogits(model: tf.LayersModel): void {
	const compiled = compiledModel(model);
	const { activation } = model.layers[model.layers.length - 1] as { activation?: Activation };
	const isSparse = model.loss === "sparseCategoricalCrossentropy";
	if (!isSparse && model.loss !== "categoricalCrossentropy") return;
	if (activation?.getClassName() !== "softmax" || lossesFromLogits.has(compiled.lossFunctions[0])) return;

	const last = rememberInputs(activation);
	const [fromProbabilities] = compiled.lossFunctions;
	const loss: Loss = (yTrue, yPred) => {
		if (!last.logits || last.probabilities !== yPred) return fromProbabilities(yTrue, yPred);
		const target = isSparse ? tf.oneHot(yTrue.flatten().toInt(), yPred.shape[1] as number) : yTrue;
		return tf
			.logSoftmax(last.logits as tf.Tensor2D)
			.mul(target)
			.sum(-1)
			.neg();
	};
	lossesFromLogits.add(loss);
	compiled.lossFunctions = [loss];
}

/**
 * Makes a softmax remember its last input, and returns it.
 *
 * Replaces `apply` of the activation: the loss function gets probabilities only. Can go with `crossEntropyFromLogits`.
 */
function rememberInputs(softmax: Activation): Applied {
	const existing = appliedBySoftmax.get(softmax);
	if (existing) return existing;
	const last: Applied = {};
	const apply = softmax.apply.bind(softmax);
	softmax.apply = (logits) => {
		last.logits?.dispose();
		// The loss is computed after the layer's own tidy has ended.
		last.logits = tf.keep(logits);
		last.probabilities = apply(logits);
		return last.probabilities;
	};
	appliedBySoftmax.set(softmax, last);
	return last;
}
