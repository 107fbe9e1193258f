// Random numbers that TensorFlow draws: the same for the same seed, operation by operation and in a graph.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { liveNumber } from "./graph";
import { DType, runOperation } from "./graphdef";

/** Draws that follow from a seed: each call of the function it returns draws others. */
export type Draw = (shape: number[], low: number, high: number) => tf.Tensor;

/**
 * Makes a source of random numbers.
 *
 * @param seed a whole number below 2³¹. Default: another source each time
 * @returns a function that draws float32 numbers from `low` up to `high`
 */
export function uniformDraws(seed = Math.floor(Math.random() * 2 ** 31)): Draw {
	let calls = 0;
	return (shape, low, high) =>
		tf.tidy(() => {
			const types = { dtype: DType.float32, T: DType.int32, Tseed: DType.int32 };
			const seeds = tf.stack([tf.scalar(seed, "int32"), liveNumber(() => calls++, "int32")]);
			const inputs = [tf.tensor1d(shape, "int32"), seeds];
			const drawn = runOperation("StatelessRandomUniform", types, inputs);
			return drawn.mul(high - low).add(low);
		});
}

/** What is used of tf.layers' Dropout. */
type Dropout = tf.layers.Layer & { rate: number; seed?: number; getNoiseShape(input: tf.Tensor): number[] };

/**
 * Has a Dropout layer draw its masks by TensorFlow. With a seed, that of tf.layers draws the same mask on every call.
 *
 * @returns the layer
 */
export function withNativeMasks(layer: tf.layers.Layer): tf.layers.Layer {
	const { rate, seed } = layer as Dropout;
	if (native.has(layer) || rate <= 0 || rate >= 1) return layer;
	native.add(layer);
	const draw = uniformDraws(seed);
	layer.call = (inputs, { training = false }) =>
		tf.tidy(() => {
			const input = Array.isArray(inputs) ? inputs[0] : inputs;
			if (!training) return input.clone();
			const shape = (layer as Dropout).getNoiseShape(input) ?? input.shape;
			const kept = draw(shape, 0, 1).greaterEqual(rate);
			return input.mul(kept.toFloat().mul(1 / (1 - rate)));
		});
	return layer;
}

const native = new WeakSet<tf.layers.Layer>();
