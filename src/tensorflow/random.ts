// Random numbers that TensorFlow draws: the same for the same seed, operation by operation and in a graph.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, runOperation } from "./backend";
import { liveNumber } from "./trace";

/** Draws that follow from a seed: each call of the function it returns draws others. */
export type Draw = (shape: number[], low: number, high: number) => tf.Tensor;

/** How far something that follows from a seed was used. Set back, it repeats itself from there. */
export type Counter = { count: number };

const counters = new WeakMap<tf.layers.Layer, Counter>();

/** The counters of the layers that draw random numbers. */
export const countersOf = (layers: tf.layers.Layer[]) => layers.flatMap((layer) => counters.get(layer) ?? []);

/**
 * Makes a source of random numbers for a layer.
 *
 * @param seed a whole number below 2³¹. Default: another source each time
 * @returns a function that draws float32 numbers from `low` up to `high`
 */
export function uniformDraws(layer: tf.layers.Layer, seed = Math.floor(Math.random() * 2 ** 31)): Draw {
	const counter = { count: 0 };
	counters.set(layer, counter);
	return (shape, low, high) =>
		tf.tidy(() => {
			const types = { dtype: DType.float32, T: DType.int32, Tseed: DType.int32 };
			const seeds = tf.stack([tf.scalar(seed, "int32"), liveNumber(() => counter.count++, "int32")]);
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
export function withSeededMasks(layer: tf.layers.Layer): tf.layers.Layer {
	const { rate, seed } = layer as Dropout;
	if (counters.has(layer) || rate <= 0 || rate >= 1) return layer;
	const draw = uniformDraws(layer, seed);
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
