// Seeded random numbers and dropout masks drawn by TensorFlow: the same numbers eagerly and in a graph.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, runOperation } from "./backend";
import { liveNumber } from "./trace";

/** Draws float32 numbers in [low, high). Each call continues the sequence of the seed. */
export type Draw = (shape: number[], low: number, high: number) => tf.Tensor;

/** Number of draws taken from a seeded generator. Resetting it replays the sequence. */
export type Counter = { count: number };

const counters = new WeakMap<tf.layers.Layer, Counter>();

/** Returns the counters of the layers that draw random numbers. */
export const countersOf = (layers: tf.layers.Layer[]) => layers.flatMap((layer) => counters.get(layer) ?? []);

/**
 * Returns a random generator for a layer, by TensorFlow's `StatelessRandomUniform`.
 *
 * @param seed an integer from 0 up to 2³¹ − 1. Default: random
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

/** The private fields of tf.layers' Dropout that its replaced `call` needs; they can go with `withSeededMasks`. */
type Dropout = tf.layers.Layer & { rate: number; seed?: number; getNoiseShape(input: tf.Tensor): number[] };

/**
 * Makes a Dropout layer draw its masks with TensorFlow.
 *
 * Replaces the layer's `call`: with a seed tf.layers draws the same mask on every call, and without one it draws in
 * JavaScript, which a graph cannot express. Can go when tf.layers draws another mask of its seed on each call, by an
 * operation of the backend.
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
			if (!training || !layer.trainable) return input.clone();
			const shape = (layer as Dropout).getNoiseShape(input) ?? input.shape;
			const mask = draw(shape, 0, 1).greaterEqual(rate);
			return input.mul(mask.toFloat().mul(1 / (1 - rate)));
		});
	return layer;
}
