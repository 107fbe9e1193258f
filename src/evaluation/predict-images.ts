// Predicts image files.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { verifyImage } from "../cleaning/verify";
import { type Pixels, readImages, resolveDecodeOptions } from "../images/decode";
import { requireSameClasses } from "../training/compile";

/** What a model says of an image. */
export interface ImagePrediction {
	path: string;
	/** The most likely class; `null` if the file cannot be read. */
	label: string | null;
	/** How likely it is, 0–1. */
	probability: number | null;
	/** The probability of each class, in the order of `classNames`. */
	probabilities: number[];
	/** Why the file cannot be read. */
	error: string | null;
}

export interface PredictImagesOptions {
	/** The names of the classes that the model was trained with, in their order. */
	classNames: string[];
	/** Images per batch. Default 32. */
	batchSize?: number;
}

/**
 * Classifies files.
 *
 * @param model its input is float32 `[batch, height, width, 3]` in 0–255, to which the images are resized as for training
 * @param paths in the order of the result
 * @throws when `classNames` are not as many as the model's outputs; a file that cannot be read is no reason
 */
export async function predictImages(
	model: tf.LayersModel,
	paths: string[],
	{ classNames, batchSize = 32 }: PredictImagesOptions,
): Promise<ImagePrediction[]> {
	requireSameClasses(model, classNames);
	const imageSize = model.inputs[0].shape.slice(1, 3) as [number, number];
	const reader = readImages(paths, resolveDecodeOptions({ imageSize }));
	const results: ImagePrediction[] = [];
	try {
		for (let start = 0; start < paths.length; start += batchSize) {
			const batch = paths.slice(start, start + batchSize);
			const images: (Pixels | Error)[] = [];
			for (const path of batch) images.push(await reader.next().catch((error) => whyUnreadable(path, error)));
			results.push(...classify(model, batch, images, classNames));
		}
	} finally {
		reader.stop();
	}
	return results;
}

async function whyUnreadable(path: string, error: Error): Promise<Error> {
	const problem = await verifyImage(path);
	return problem ? new Error(`${problem.reason} (${problem.detail})`) : error;
}

function classify(model: tf.LayersModel, paths: string[], images: (Pixels | Error)[], classNames: string[]) {
	const readable = images.filter((image): image is Pixels => !(image instanceof Error));
	const rows = tf.tidy(() => {
		if (readable.length === 0) return [];
		const shape = [-1, ...(model.inputs[0].shape.slice(1) as number[])];
		const xs = tf.concat(readable.map((image) => tf.tensor1d(image))).reshape(shape);
		return (model.predict(xs) as tf.Tensor).arraySync() as number[][];
	});
	const next = rows.values();
	return paths.map((path, i): ImagePrediction => {
		const image = images[i];
		if (image instanceof Error) {
			return { path, label: null, probability: null, probabilities: [], error: image.message };
		}
		const probabilities = next.next().value as number[];
		const probability = Math.max(...probabilities);
		return { path, label: classNames[probabilities.indexOf(probability)], probability, probabilities, error: null };
	});
}
