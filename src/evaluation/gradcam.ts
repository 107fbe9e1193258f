// Grad-CAM heat maps and overlays.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withoutSoftmax } from "../tensorflow/softmax";

export interface GradCamOptions {
	/** The class to explain for each image, as a label. Default: the predicted one. */
	classes?: number[];
	/** The convolution whose maps are weighed, by its name. Default: the last. */
	layer?: string;
}

/**
 * Grad-CAM (Selvaraju et al., ICCV 2017): which parts of an image raise the score of a class.
 *
 * The maps of the last convolution are weighed by the mean gradient of the class's score, which is what the softmax is
 * given, summed, cut off below 0, and divided by their greatest value; as keras.io's example does.
 *
 * @param model layers one after the other, as `cnn` gives them
 * @param xs float32 `[batch, height, width, channels]` in 0–255
 * @returns float32 `[batch, rows, columns]` in 0–1, of the size of the convolution's maps; the caller's
 * @throws when there is no such convolution, or the model is no chain of layers
 */
export function gradCam(model: tf.LayersModel, xs: tf.Tensor4D, options: GradCamOptions = {}): tf.Tensor3D {
	if (!(model instanceof tf.Sequential)) {
		throw new Error("gradCam needs layers one after the other: build the model with tf.sequential");
	}
	const at = convolutionOf(model, options.layer) + 1;
	return tf.tidy(() => {
		const features = through(model.layers.slice(0, at), xs);
		const scores = (maps: tf.Tensor) => withoutSoftmax(model, () => through(model.layers.slice(at), maps));
		const classes = options.classes ?? Array.from(scores(features).argMax(-1).dataSync());
		const wanted = tf.oneHot(tf.tensor1d(classes, "int32"), model.outputShape[1] as number);
		const gradient = tf.grad((maps) => scores(maps).mul(wanted).sum())(features);
		const weights = gradient.mean([1, 2], true);
		const heat = features.mul(weights).sum(-1).relu();
		return heat.div(heat.max([1, 2], true).maximum(1e-12)) as tf.Tensor3D;
	});
}

/**
 * An image with its heat on top, in red.
 *
 * @param image `[height, width, 3]` in 0–255
 * @param heat `[rows, columns]` in 0–1, stretched to the image's size
 * @returns `[height, width, 3]` in 0–255, for `showImages`; the caller's
 */
export function overlay(image: tf.Tensor3D, heat: tf.Tensor2D): tf.Tensor3D {
	return tf.tidy(() => {
		const size = image.shape.slice(0, 2) as [number, number];
		const share = tf.image.resizeBilinear(heat.expandDims(-1) as tf.Tensor3D, size, false, true).mul(0.6);
		return image.mul(tf.sub(1, share)).add(share.mul(tf.tensor1d([255, 40, 0]))) as tf.Tensor3D;
	});
}

function convolutionOf(model: tf.Sequential, name?: string): number {
	const isConvolution = (layer: tf.layers.Layer) => /Conv2D/.test(layer.getClassName());
	const index = name
		? model.layers.findIndex((layer) => layer.name === name)
		: model.layers.map(isConvolution).lastIndexOf(true);
	if (index >= 0) return index;
	const names = model.layers.map((layer) => layer.name).join(", ");
	throw new Error(`the model has no ${name ? `layer ${name}` : "convolution"}: its layers are ${names}`);
}

function through(layers: tf.layers.Layer[], xs: tf.Tensor): tf.Tensor {
	return layers.reduce((tensor, layer) => layer.apply(tensor) as tf.Tensor, xs);
}
