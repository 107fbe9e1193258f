// Grad-CAM heat maps and overlays.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { applied, inputsOf, walkLayers } from "../tensorflow/layer-graph";
import { withLogits } from "../tensorflow/logits";
import { requireClassifier } from "../training/compile";
import { NOT_A_NUMBER, requireNumbers } from "./outputs";

export interface GradCamOptions {
	/** Label of the class to explain for each image. Default: the predicted class. */
	classes?: number[];
	/** Name of the layer whose feature maps are used. Default: the last one with feature maps before the head. */
	layer?: string;
}

/**
 * Computes Grad-CAM heat maps (Selvaraju et al., ICCV 2017): the regions of an image that raise the score of a class.
 *
 * As in keras.io's example, feature maps are weighted by the mean gradient of the class's logit, summed, passed through ReLU
 * and divided by their maximum. Where only global average pooling, dropout and one dense layer follow, the weights are that
 * layer's (class activation maps, Zhou et al., CVPR 2016): the same maps without a gradient. The logit of the first of two
 * classes, where the network ends in one sigmoid unit, is that of the unit, negated.
 *
 * @param model sequential or functional model of one input and one output, such as that of `cnn`
 * @param xs float32 `[batch, height, width, channels]` in 0–255
 * @returns float32 `[batch, rows, columns]` in 0–1, of the size of the feature maps; the caller disposes it
 * @throws when the model has no such layer or no exclusive classes, or its output is NaN
 */
export function gradCam(model: tf.LayersModel, xs: tf.Tensor4D, options: GradCamOptions = {}): tf.Tensor3D {
	requireNumbers(model);
	return heatMaps(model, xs, (scores) => labelsToExplain(scores, options.classes), options.layer);
}

/**
 * `gradCam` without its checks, which read from the device: a browser's main thread cannot do that on a GPU.
 *
 * @param labelsOf the labels to explain, from float32 `[batch, classes]`
 */
export function heatMaps(
	model: tf.LayersModel,
	xs: tf.Tensor4D,
	labelsOf: (scores: tf.Tensor) => tf.Tensor1D,
	layer?: string,
): tf.Tensor3D {
	const units = requireClassifier(model);
	const target = mapsOf(model, layer);
	return tf.tidy(() => {
		const scoresOf = scoresFrom(units);
		const [logits, maps] = run(model, { inputs: model.inputs, outputs: [...model.outputs, target] }, [xs]);
		const classMask = tf.oneHot(labelsOf(scoresOf(logits)), Math.max(2, units)).toFloat();
		const kernel = linearHead(model, target)?.getWeights()[0];
		const after = { inputs: [...model.inputs, target], outputs: model.outputs };
		const gradient = tf.grad((given) =>
			scoresOf(run(model, after, [xs, given])[0])
				.mul(classMask)
				.sum(),
		);
		const weights = kernel
			? classMask.matMul(scoresOf(kernel), false, true).reshape([xs.shape[0], 1, 1, -1])
			: gradient(maps).mean([1, 2], true);
		const heat = maps.mul(weights).sum(-1).relu();
		return heat.div(heat.max([1, 2], true).maximum(1e-12)) as tf.Tensor3D;
	});
}

type Part = Pick<tf.LayersModel, "inputs" | "outputs">;

/** Runs a part of a model, with logits as the model's output. */
const run = (model: tf.LayersModel, part: Part, inputs: tf.Tensor[]) =>
	withLogits(model, () => walkLayers(part, inputs, applied));

/** Returns the function from the last layer's columns to those of the classes: one sigmoid unit is that of the second. */
const scoresFrom = (units: number) => (columns: tf.Tensor) =>
	units === 1 ? tf.concat([columns.neg(), columns], 1) : columns;

/** Returns the dense layer of a head of global average pooling, dropout and dense on feature maps; null for other heads. */
function linearHead(model: tf.LayersModel, maps: tf.SymbolicTensor): tf.layers.Layer | null {
	const head: tf.layers.Layer[] = [];
	for (let [tensor] = model.outputs; tensor.id !== maps.id; ) {
		const inputs = inputsOf(tensor);
		if (inputs.length !== 1) return null;
		head.unshift(tensor.sourceLayer);
		[tensor] = inputs;
	}
	const kinds = head.map((layer) => layer.getClassName()).filter((kind) => kind !== "Dropout");
	return kinds.join() === "GlobalAveragePooling2D,Dense" ? (head.at(-1) as tf.layers.Layer) : null;
}

/** Returns the given labels, or else those of the highest scores. */
function labelsToExplain(scores: tf.Tensor, given?: number[]): tf.Tensor1D {
	if (scores.dataSync().some(Number.isNaN)) throw new Error(`the network's output is NaN: ${NOT_A_NUMBER}`);
	if (!given) return scores.argMax(-1);
	const [images, classes] = scores.shape as number[];
	if (given.length === images && given.every((label) => Number.isInteger(label) && label >= 0 && label < classes)) {
		return tf.tensor1d(given, "int32");
	}
	throw new Error(
		`classes is ${given.join(", ")}: expected one integer from 0 to ${classes - 1} for each of ${images} images`,
	);
}

/**
 * Overlays a heat map on an image, in red: nothing where the map is lowest, most where it is highest, so that a map shows
 * where, whatever its level.
 *
 * @param image float32 `[height, width, 3]` in 0–255
 * @param heat float32 `[rows, columns]` in 0–1, resized to the image (bilinear)
 * @returns float32 `[height, width, 3]` in 0–255, for `showImages`; the caller disposes it
 */
export function overlay(image: tf.Tensor3D, heat: tf.Tensor2D): tf.Tensor3D {
	return tf.tidy(() => {
		const size = image.shape.slice(0, 2) as [number, number];
		const relative = heat.sub(heat.min()).div(heat.max().sub(heat.min()).maximum(1e-12));
		const opacity = tf.image.resizeBilinear(relative.expandDims(-1) as tf.Tensor3D, size, false, true).mul(0.6);
		return image.mul(tf.sub(1, opacity)).add(opacity.mul(tf.tensor1d([255, 40, 0]))) as tf.Tensor3D;
	});
}

/** Returns the feature maps to use: of a layer by name, or the last ones before a linear head, or of the last convolution. */
function mapsOf(model: tf.LayersModel, name?: string): tf.SymbolicTensor {
	const tensors: tf.SymbolicTensor[] = [];
	walkLayers(model, model.inputs, (_, __, output) => {
		tensors.push(output);
		return output;
	});
	const maps = tensors.filter(({ shape }) => shape.length === 4);
	const isConvolution = ({ sourceLayer }: tf.SymbolicTensor) => /Conv2D/.test(sourceLayer.getClassName());
	const last = maps.at(-1);
	const found = name
		? maps.find(({ sourceLayer }) => sourceLayer.name === name)
		: last && linearHead(model, last)
			? last
			: maps.filter(isConvolution).at(-1);
	if (found) return found;
	const names = tensors.map(({ sourceLayer }) => sourceLayer.name).join(", ");
	throw new Error(
		`the model has no ${name ? `feature maps of a layer ${name}` : "convolution"}: its layers are ${names}`,
	);
}
