// Cross-entropy from logits, and models without their softmax.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { compiledModel } from "./layers-model";

/** What tf.layers keeps of a loss and of an activation, as far as it is used here. */
type Loss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;
type Activation = { getClassName(): string; apply(logits: tf.Tensor): tf.Tensor };

/** A softmax's own gradient would hide the score: where the network is sure, it is 0. */
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

/** What each softmax was given last, and what it made of it. */
const softmaxInputs = new WeakMap<Activation, { logits?: tf.Tensor; probabilities?: tf.Tensor }>();
const lossesFromLogits = new WeakSet<Loss>();

/**
 * Computes the cross-entropy of a model that ends in a softmax from the logits, as Keras does.
 *
 * tf.layers takes the logarithm of the rounded probabilities. On images of 0–255 the first steps easily make one of
 * them zero, where that has no gradient: the model would never learn again.
 */
export function crossEntropyFromLogits(model: tf.LayersModel): void {
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
