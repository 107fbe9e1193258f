// Grad-CAM heat maps and overlays.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withLogits } from "../tensorflow/logits";
import { requireClassifier } from "../training/compile";
import { NOT_A_NUMBER, requireNumbers } from "./outputs";

export interface GradCamOptions {
	/** Label of the class to explain for each image. Default: the predicted class. */
	classes?: number[];
	/** Name of the convolution whose feature maps are used. Default: the last one. */
	layer?: string;
}

/**
 * Computes Grad-CAM heat maps (Selvaraju et al., ICCV 2017): the regions of an image that raise the score of a class.
 *
 * As in keras.io's example, the feature maps of a convolution are weighted by the mean gradient of the class's logit,
 * summed, passed through ReLU and divided by their maximum. The logit of the first of two classes, where the network ends
 * in one sigmoid unit, is that of the unit, negated.
 *
 * @param model sequential model, such as that of `cnn`
 * @param xs float32 `[batch, height, width, channels]` in 0–255
 * @returns float32 `[batch, rows, columns]` in 0–1, of the size of the feature maps; the caller disposes it
 * @throws when the model is not sequential, has no such convolution or no exclusive classes, or its output is NaN
 */
export function gradCam(model: tf.LayersModel, xs: tf.Tensor4D, options: GradCamOptions = {}): tf.Tensor3D {
	if (!(model instanceof tf.Sequential)) {
		throw new Error("gradCam needs a sequential model: build it with tf.sequential");
	}
	const units = requireClassifier(model);
	requireNumbers(model);
	const split = convolutionOf(model, options.layer) + 1;
	return tf.tidy(() => {
		const features = applyLayers(model.layers.slice(0, split), xs);
		const scores = (maps: tf.Tensor) => {
			const logits = withLogits(model, () => applyLayers(model.layers.slice(split), maps));
			// One sigmoid unit: the logit of the first class is that of the second one, negated.
			return units === 1 ? tf.concat([logits.neg(), logits], 1) : logits;
		};
		const classMask = tf.oneHot(labelsToExplain(scores(features), options.classes), Math.max(2, units));
		const gradient = tf.grad((maps) => scores(maps).mul(classMask).sum())(features);
		const weights = gradient.mean([1, 2], true);
		const heat = features.mul(weights).sum(-1).relu();
		return heat.div(heat.max([1, 2], true).maximum(1e-12)) as tf.Tensor3D;
	});
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

/** Returns the index of a convolution in the model's layers: that of a name, or the last. */
function convolutionOf(model: tf.Sequential, name?: string): number {
	const isConvolution = (layer: tf.layers.Layer) => /Conv2D/.test(layer.getClassName());
	const index = name
		? model.layers.findIndex((layer) => layer.name === name)
		: model.layers.map(isConvolution).lastIndexOf(true);
	if (index >= 0) return index;
	const names = model.layers.map((layer) => layer.name).join(", ");
	throw new Error(`the model has no ${name ? `layer ${name}` : "convolution"}: its layers are ${names}`);
}

function applyLayers(layers: tf.layers.Layer[], xs: tf.Tensor): tf.Tensor {
	return layers.reduce((tensor, layer) => layer.apply(tensor) as tf.Tensor, xs);
}
