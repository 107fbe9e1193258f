// Whether the weights of a model are numbers.
import * as tf from "@tensorflow/tfjs-node-gpu";

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
