// Common corruptions of images, for tests of robustness (Hendrycks & Dietterich, ICLR 2019).
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch, ImageDataset } from "../datasets/types";
import { sum } from "../support/statistics";

/**
 * The strengths of each corruption, from 1 to 5: those of the paper's CIFAR-10-C, which are for small images. Standard deviation
 * of the noise and added brightness as fractions of the range; standard deviation of the blur in pixels; contrast and size as
 * fractions of what they were; quality of the JPEG file.
 */
const STRENGTHS = {
	gaussianNoise: [0.04, 0.06, 0.08, 0.09, 0.1],
	gaussianBlur: [0.4, 0.6, 0.7, 0.8, 1],
	brightness: [0.05, 0.1, 0.15, 0.2, 0.3],
	contrast: [0.75, 0.5, 0.4, 0.3, 0.15],
	jpegCompression: [80, 65, 58, 50, 40],
	pixelate: [0.95, 0.9, 0.85, 0.75, 0.65],
} as const;

/** A kind of corruption. */
export type Corruption = keyof typeof STRENGTHS;

/** The names of all corruptions. */
export const CORRUPTIONS = Object.keys(STRENGTHS) as Corruption[];

/**
 * Returns a dataset with corrupted images: a test set under conditions that the training images did not have.
 *
 * @param severity strength, 1 to 5
 * @param seed random seed of the noise
 * @returns batches like those of `data`, rounded to integers as an image file would have them
 * @throws when there is no such corruption or strength
 */
export function corrupted(
	data: ImageDataset,
	corruption: Corruption,
	severity: number,
	seed = 0,
): tf.data.Dataset<Batch> {
	strengthOf(corruption, severity);
	let batch = 0;
	return data.mapAsync(async (value) => {
		const { xs, ys } = value as unknown as Batch;
		return { xs: await corrupt(xs, corruption, severity, seed + batch++), ys };
	}) as unknown as tf.data.Dataset<Batch>;
}

/**
 * Corrupts images.
 *
 * @param images float32 `[batch, height, width, channels]` in 0–255, one or three channels
 * @param severity strength, 1 to 5
 * @param seed random seed of the noise
 * @returns whole numbers in 0–255 of the same shape; the caller disposes them
 * @throws when there is no such corruption or strength
 */
export async function corrupt(
	images: tf.Tensor4D,
	corruption: Corruption,
	severity: number,
	seed = 0,
): Promise<tf.Tensor4D> {
	const strength = strengthOf(corruption, severity);
	if (corruption === "jpegCompression") return jpegCompressed(images, strength);
	return tf.tidy(() => CHANGES[corruption](images, strength, seed).clipByValue(0, 255).round() as tf.Tensor4D);
}

function strengthOf(corruption: Corruption, severity: number): number {
	const strengths = Object.hasOwn(STRENGTHS, corruption) ? STRENGTHS[corruption] : null;
	if (!strengths) throw new Error(`there is no corruption ${corruption}: expected ${CORRUPTIONS.join(", ")}`);
	const strength = strengths[severity - 1];
	if (strength === undefined) throw new Error(`severity is ${severity}: expected a whole number from 1 to 5`);
	return strength;
}

type Change = (images: tf.Tensor4D, strength: number, seed: number) => tf.Tensor;
const CHANGES: Record<Exclude<Corruption, "jpegCompression">, Change> = {
	gaussianNoise: (images, deviation, seed) =>
		images.add(tf.randomNormal(images.shape, 0, 255 * deviation, "float32", seed)),
	gaussianBlur: (images, deviation) => alongAxes(images, (size) => blurMatrix(size, deviation)),
	// The value of hue, saturation and value: the greatest of red, green and blue.
	brightness: (images, added) => {
		const value = images.max(-1, true);
		const brighter = value.add(255 * added).minimum(255);
		return tf.where(
			value.equal(0).broadcastTo(images.shape),
			brighter.broadcastTo(images.shape),
			images.mul(brighter.div(value.maximum(1e-6))),
		);
	},
	contrast: (images, kept) => {
		const mean = images.mean([1, 2], true);
		return images.sub(mean).mul(kept).add(mean);
	},
	pixelate: (images, kept) =>
		alongAxes(images, (size) => {
			const fewer = Math.max(1, Math.floor(size * kept));
			return tf.matMul(boxMatrix(size, fewer), boxMatrix(fewer, size));
		}),
};

/** Applies a matrix `[size, size]` along the height and the width of images. */
function alongAxes(images: tf.Tensor4D, matrixOf: (size: number) => tf.Tensor2D): tf.Tensor {
	const alongFirst = (given: tf.Tensor): tf.Tensor => {
		const [batch, size, others, channels] = given.shape;
		const matrices = matrixOf(size).expandDims(0).tile([batch, 1, 1]);
		return tf.matMul(matrices, given.reshape([batch, size, others * channels])).reshape(given.shape);
	};
	const turned = (given: tf.Tensor) => given.transpose([0, 2, 1, 3]);
	return turned(alongFirst(turned(alongFirst(images))));
}

/** The matrix of a Gaussian filter that ends four deviations away and repeats the pixels at the edge, as scikit-image's. */
function blurMatrix(size: number, deviation: number): tf.Tensor2D {
	const radius = Math.floor(4 * deviation + 0.5);
	const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
		Math.exp(-((i - radius) ** 2) / (2 * deviation ** 2)),
	);
	const total = sum(kernel);
	const rows = Array.from({ length: size }, (_, y) => {
		const row = Array<number>(size).fill(0);
		kernel.forEach((weight, i) => {
			row[Math.min(size - 1, Math.max(0, y + i - radius))] += weight / total;
		});
		return row;
	});
	return tf.tensor2d(rows);
}

/** The matrix of resizing as Pillow's `BOX`: each new pixel is the mean of the old ones whose centre it covers. */
function boxMatrix(newSize: number, size: number): tf.Tensor2D {
	const scale = size / newSize;
	const half = 0.5 * Math.max(1, scale);
	const rows = Array.from({ length: newSize }, (_, y) => {
		const center = (y + 0.5) * scale;
		const weights = Array.from({ length: size }, (_, x) => Number(x + 0.5 > center - half && x + 0.5 <= center + half));
		const total = sum(weights);
		return weights.map((weight) => weight / total);
	});
	return tf.tensor2d(rows);
}

/** Encodes each image as JPEG, and decodes it. */
async function jpegCompressed(images: tf.Tensor4D, quality: number): Promise<tf.Tensor4D> {
	const whole = tf.tidy(() => tf.unstack(images.clipByValue(0, 255).round().toInt()) as tf.Tensor3D[]);
	const channels = images.shape[3] as 1 | 3;
	try {
		const files = await Promise.all(
			whole.map((image) =>
				tf.node.encodeJpeg(image, channels === 1 ? "grayscale" : "rgb", quality, false, false, false),
			),
		);
		return tf.tidy(() => tf.stack(files.map((file) => tf.node.decodeJpeg(file, channels).toFloat())) as tf.Tensor4D);
	} finally {
		tf.dispose(whole);
	}
}
