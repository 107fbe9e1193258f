// Ends training that diverges: a loss or weights that are not numbers.
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { learningRateOf } from "../tensorflow/layers-model";

/** Error of a training run whose loss or weights are NaN or infinite. Resuming it would end the same. */
export class Diverged extends Error {}

/** Returns the functions that check a training run: its losses, and after each epoch its weights. */
export function divergenceChecks(model: tf.LayersModel, backup?: string) {
	const fail = (what: string, epoch: number) => {
		const kept = backup && existsSync(backup) ? `, and remove ${backup} to train from the start` : "";
		throw new Diverged(`${what} since epoch ${epoch}: lower learningRate (${learningRateOf(model)})${kept}`);
	};
	return {
		/** @param steps number of training steps before the loss was computed */
		loss(name: string, value: number, epoch: number, steps: number): void {
			if (Number.isFinite(value)) return;
			const what = `the ${name} is ${Number.isNaN(value) ? "not a number" : "infinite"}`;
			if (steps > 0) fail(what, epoch);
			throw new Diverged(
				`${what} before the first step: the pixels, labels or weights are no numbers, or far too large`,
			);
		},
		/** A step can make the weights NaN without any loss computed after it; ReLU and pooling can hide it from a loss. */
		async weights(epoch: number): Promise<void> {
			// 0 times a number is 0, and NaN times infinity or NaN.
			const total = tf.tidy(() => tf.addN(model.getWeights().map((weight) => weight.mul(0).sum())));
			const [value] = await total.data();
			total.dispose();
			if (value !== 0) fail("the weights are not numbers", epoch);
		},
	};
}
