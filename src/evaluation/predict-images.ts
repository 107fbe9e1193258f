// Predicts image files.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { verifyImage } from "../cleaning/verify";
import { type Pixels, readImages, resolveDecodeOptions } from "../images/decode";
import { requireModelClasses, trainedClassNames } from "../training/classes";

/** Prediction for an image file. */
export interface ImagePrediction {
	path: string;
	/** Predicted class; `null` if the file cannot be read. */
	label: string | null;
	/** Probability of the predicted class, 0–1; `null` if the file cannot be read. */
	probability: number | null;
	/** Probability of each class, 0–1, in the order of `classNames`; empty if the file cannot be read. */
	probabilities: number[];
	/** Reason why the file cannot be read; `null` if it can. */
	error: string | null;
}

export interface PredictImagesOptions {
	/** Names of the classes, in the order of the model's outputs. Default: those that it was trained on. */
	classNames?: string[];
	/** Number of images per batch. Default 32. */
	batchSize?: number;
}

/**
 * Classifies image files. Files that cannot be read do not throw: they get an `error`.
 *
 * @param model model with float32 input `[batch, height, width, 3]` in 0–255; images are resized to it as for training
 * @param paths paths of the files
 * @returns one prediction per file, in the order of `paths`
 * @throws when `classNames` are not those that the model was trained on, or it was not trained here and they are missing
 */
export async function predictImages(
	model: tf.LayersModel,
	paths: string[],
	{ classNames = trainedClassNames(model), batchSize = 32 }: PredictImagesOptions = {},
): Promise<ImagePrediction[]> {
	if (!classNames) throw new Error("the model does not know its classes: pass classNames in the order of its outputs");
	requireModelClasses(model, { classNames, of: "classNames" });
	const imageSize = model.inputs[0].shape.slice(1, 3) as [number, number];
	const reader = readImages(paths, resolveDecodeOptions({ imageSize }));
	const results: ImagePrediction[] = [];
	try {
		for (let start = 0; start < paths.length; start += batchSize) {
			const batch = paths.slice(start, start + batchSize);
			const images: (Pixels | Error)[] = [];
			for (const path of batch) images.push(await reader.next().catch((error) => explainUnreadable(path, error)));
			results.push(...classify(model, batch, images, classNames));
		}
	} finally {
		reader.stop();
	}
	return results;
}

/** Returns an error with the verification result of a file, or the given one if the file passes. */
async function explainUnreadable(path: string, error: Error): Promise<Error> {
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
