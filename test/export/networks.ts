// The networks of the export tests, whose weights and images are the same on every machine: `record_exports.py` too.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";

const SIZE = 32;

/** Numbers of −1 to 1 from integers alone. */
function numbers(count: number, seed: number): Float32Array {
	let state = seed >>> 0;
	return Float32Array.from({ length: count }, () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return (state >>> 8) / 2 ** 23 - 1;
	});
}

/** Images of 0–255, float32 `[count, 32, 32, 3]`. */
export const images = (count: number) =>
	tf.tensor4d(
		numbers(count * SIZE * SIZE * 3, 5).map((value) => Math.round(127.5 * (value + 1))),
		[count, SIZE, SIZE, 3],
	);

/** Gives a network weights that keep its activations in range, and batch norms other averages than those of the start. */
function withWeights(model: tf.LayersModel): tf.LayersModel {
	model.layers.forEach((layer, i) => {
		const weights = layer.weights.map((variable, k) => {
			const { shape } = variable.read();
			const count = shape.reduce((product, size) => product * (size as number), 1);
			const fanIn = shape.length > 1 ? count / (shape.at(-1) as number) : 1;
			const scale = shape.length > 1 ? Math.fround(1 / Math.sqrt(fanIn)) : 0.25;
			const offset = /gamma|variance/.test(variable.originalName) ? 1 : 0;
			const values = numbers(count, 100 * i + k).map((value) => scale * value + offset);
			return tf.tensor(values, shape as number[]);
		});
		layer.setWeights(weights);
		tf.dispose(weights);
	});
	return model;
}

/** Every layer of the pretrained networks: inverted residual blocks with ReLU6, "same" padding, steps of two, a shortcut. */
function residual(): tf.LayersModel {
	const inputs = tf.input({ shape: [SIZE, SIZE, 3], name: "image" });
	const layers = (x: tf.SymbolicTensor, list: tf.layers.Layer[]) =>
		list.reduce((input, layer) => layer.apply(input) as tf.SymbolicTensor, x);
	const same = { padding: "same" as const, useBias: false };
	const stem = layers(inputs, [
		tf.layers.rescaling({ scale: 1 / 128, offset: -127 / 128, name: "rescaling" }),
		tf.layers.conv2d({ ...same, filters: 8, kernelSize: 3, strides: 2, name: "stem" }),
		tf.layers.batchNormalization({ epsilon: 1e-3, name: "stem_bn" }),
		tf.layers.reLU({ maxValue: 6, name: "stem_relu" }),
	]);
	const block = layers(stem, [
		tf.layers.conv2d({ ...same, filters: 16, kernelSize: 1, name: "expand" }),
		tf.layers.batchNormalization({ name: "expand_bn" }),
		tf.layers.reLU({ maxValue: 6, name: "expand_relu" }),
		tf.layers.depthwiseConv2d({ ...same, kernelSize: 5, name: "depthwise" }),
		tf.layers.batchNormalization({ name: "depthwise_bn" }),
		tf.layers.reLU({ maxValue: 6, name: "depthwise_relu" }),
		tf.layers.conv2d({ ...same, filters: 8, kernelSize: 1, name: "project" }),
		tf.layers.batchNormalization({ name: "project_bn" }),
	]);
	const sum = tf.layers.add({ name: "sum" }).apply([block, stem]) as tf.SymbolicTensor;
	const outputs = layers(sum, [
		tf.layers.depthwiseConv2d({ ...same, kernelSize: 3, strides: 2, name: "smaller" }),
		tf.layers.globalAveragePooling2d({ name: "pool" }),
		tf.layers.dropout({ rate: 0.2, seed: 1, name: "dropout" }),
		tf.layers.dense({ units: 3, activation: "softmax", name: "head" }),
	]);
	return tf.model({ inputs, outputs, name: "residual" });
}

const inputShape: [number, number, number] = [SIZE, SIZE, 3];

/** The networks by name: all that `cnn()` can make, and a small one like the pretrained networks. */
export const NETWORKS: Record<string, () => tf.LayersModel> = {
	plain: () =>
		withWeights(cnn({ inputShape, filters: [8, 16], denseUnits: 16, classes: 3, rescaling: 1 / 255, seed: 1 })),
	separable: () =>
		withWeights(
			cnn({
				...{ inputShape, filters: [8, 16, 24], denseUnits: 16, classes: 2, rescaling: 1 / 127.5, l2: 1e-3 },
				...{ batchNormalization: { momentum: 0.9 }, separable: true, globalAveragePooling: true, seed: 1 },
			}),
		),
	residual: () => withWeights(residual()),
};

/** What goes with each network. */
export const metadata = (classes: number) => ({
	classNames: ["béton", "glass", "rust"].slice(0, classes),
	temperature: 1.25,
});
