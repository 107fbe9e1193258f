// Ends training that diverges: a loss or weights that are not numbers.
import { existsSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { repeating } from "../support/errors";
import { hasFiniteWeights } from "../tensorflow/finite-weights";
import { learningRateOf } from "../tensorflow/layers-model";

/** Error of a training run whose loss or weights are NaN or infinite. Another attempt would end the same. */
export class Diverged extends Error {
	constructor(message: string) {
		super(message);
		repeating(this);
	}
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
