// Applies the random layers to datasets, composed into one resampling.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch, ImageDataset } from "../datasets/types";
import { projectiveTransform } from "../tensorflow/image-operations";
import { countersOf } from "../tensorflow/random";
import { RandomFlip, RandomRotation, RandomTransform, RandomZoom } from "./layers";

/**
 * Builds the pipeline's data augmentation: random horizontal flips, rotations of up to 36° and zooms of up to 10 %.
 *
 * @param imageSize height and width of the images in pixels
 * @param seed random seed. Default: a different one each time
 * @returns a model of the three layers; `apply(images, { training: true })` augments float32
 *   `[batch, height, width, 3]`
 */
export function dataAugmentation(imageSize: number, seed?: number): tf.Sequential {
	const seeds = [0, 1, 2].map((offset) => (seed === undefined ? undefined : seed + offset));
	return tf.sequential({
		layers: [
			new RandomFlip("horizontal", { seed: seeds[0], inputShape: [imageSize, imageSize, 3] }),
			new RandomRotation(0.1, { seed: seeds[1] }),
			new RandomZoom(0.1, { seed: seeds[2] }),
		],
	});
}

/** Returns a dataset whose images are augmented as they are read, differently in each epoch; see `augment`. */
export function augmented(data: ImageDataset, augmentation: tf.LayersModel): tf.data.Dataset<Batch> {
	const { source, classNames, directory } = data;
	const changed = data.map((batch) => {
		const { xs, ys } = batch as Batch;
		return { xs: augment(xs, augmentation), ys };
	}) as tf.data.Dataset<Batch>;
	const prepare = (xs: tf.Tensor) => augment(source?.prepare(xs) as tf.Tensor4D, augmentation);
	const counters = [...(source?.counters ?? []), ...countersOf(augmentation.layers)];
	return Object.assign(changed, {
		source: source && { batches: source.batches, prepare, counters },
		classNames,
		directory,
	});
}

/**
 * Augments images at random, as `augmentation.apply(images, { training: true })`.
 *
 * If all layers are from layers.ts and agree in `fillMode`, `fillValue` and `interpolation`, their transforms are
 * composed: each image is resampled once, where Keras resamples it in each layer. That is faster and blurs less; pixels
 * from beyond the edge are filled once instead of in each layer.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns float32 `[batch, height, width, channels]`
 */
export function augment(images: tf.Tensor4D, augmentation: tf.LayersModel): tf.Tensor4D {
	const layers = augmentation.layers.filter((layer) => layer.getClassName() !== "InputLayer");
	const transforms = layers.filter((layer): layer is RandomTransform => layer instanceof RandomTransform);
	const resamplings = new Set(transforms.flatMap((layer) => layer.resampling()));
	if (transforms.length === 0 || transforms.length < layers.length || resamplings.size > 1) {
		return augmentation.apply(images, { training: true }) as tf.Tensor4D;
	}
	return tf.tidy(() => {
		// Transforms map output to input pixels: the last layer's applies first, so its matrix is the rightmost.
		const matrices = transforms.map((layer) => toMatrices(layer.matrices(images.shape)));
		const composed = matrices.reduce((product, matrix) => product.matMul(matrix) as tf.Tensor3D);
		const rows = composed.reshape([-1, 9]).slice([0, 0], [-1, 8]) as tf.Tensor2D;
		const { options } = transforms.find((layer) => layer.resampling().length > 0) ?? transforms[0];
		return projectiveTransform(images, rows, options);
	});
}

/** Converts rows of eight coefficients, float32 `[batch, 8]`, to matrices `[batch, 3, 3]`. */
function toMatrices(rows: tf.Tensor2D): tf.Tensor3D {
	return tf.concat([rows, tf.ones([rows.shape[0], 1])], 1).reshape([-1, 3, 3]);
}
