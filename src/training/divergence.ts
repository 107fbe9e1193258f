// Ends training that diverges: a loss or weights that are not numbers.
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { repeating } from "../support/errors";
import { learningRateOf } from "../tensorflow/layers-model";

/** Error of a training run whose loss or weights are NaN or infinite. Another attempt would end the same. */
export class Diverged extends Error {
	constructor(message: string) {
		super(message);
		repeating(this);
	}
}

/**
 * Returns whether all weights of a model are finite. A step can make them NaN or infinite without any loss computed after
 * it, and ReLU and max pooling can hide it from outputs and losses.
 */
export function hasFiniteWeights(model: tf.LayersModel): boolean {
	// 0 times a number is 0; 0 times NaN or infinity is NaN.
	const products = () => model.getWeights().map((weight) => weight.toFloat().mul(0).sum());
	const zero = tf.tidy(() => tf.addN([tf.scalar(0), ...products()]));
	const [value] = zero.dataSync();
	zero.dispose();
	return value === 0;
}

/** Returns the functions that check the losses of a training run, and its weights after each epoch. */
export function divergenceChecks(model: tf.LayersModel, backup?: string) {
	const fail = (what: string, epoch: number, otherCause = "") => {
		const kept = backup && existsSync(backup) ? `, and remove ${backup} to train from the start` : "";
		throw new Diverged(
			`${what} since epoch ${epoch}: lower learningRate (${learningRateOf(model)})${otherCause}${kept}`,
		);
	};
	return {
		/** @param samples number of images trained on before the loss was computed */
		loss(name: string, value: number, epoch: number, samples: number): void {
			if (Number.isFinite(value)) return;
			const what = `the ${name} is ${Number.isNaN(value) ? "not a number" : "infinite"}`;
			if (samples > 0) fail(what, epoch);
			throw new Diverged(
				`${what} before the first step: the pixels, labels or weights are no numbers, or far too large`,
			);
		},
		weights(epoch: number): void {
			if (!hasFiniteWeights(model)) fail("the weights are not numbers", epoch, ", or look for pixels that are none");
		},
	};
}
