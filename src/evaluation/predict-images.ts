// Predicts image files.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { verifyImage } from "../cleaning/verify";
import { colorModeOf, type Pixels, readImages, resolveDecodeOptions } from "../images/decode";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { requireModelClasses, trainedClassNames } from "../training/classes";
import { type Network, networkOf } from "./network";
import type { Row } from "./rows";

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
	/** Whether images are turned upright by their EXIF orientation, as in `ReadOptions`. Default false. */
	applyOrientation?: boolean;
	/** Temperature that calibrates the probabilities, above 0, see `fitTemperature`. Default 1: as the network gives them. */
	temperature?: number;
	/** Receives the number of files that have been read, about twice a second and at the end. Default: none. */
	onProgress?: OnFileProgress;
}

/**
 * Classifies image files. Files that cannot be read do not throw: they get an `error`.
 *
 * @param model model with float32 input `[batch, height, width, channels]` in 0–255; images are resized to it as for training
 * @param paths paths of the files
 * @returns one prediction per file, in the order of `paths`
 * @throws when `classNames` are not those that the model was trained on, or it was not trained here and they are missing
 */
export async function predictImages(
	model: tf.LayersModel,
	paths: string[],
	{ classNames = trainedClassNames(model), batchSize = 32, temperature = 1, ...options }: PredictImagesOptions = {},
): Promise<ImagePrediction[]> {
	if (!classNames) throw new Error("the model does not know its classes: pass classNames in the order of its outputs");
	requireModelClasses(model, { classNames, of: "classNames" });
	// To make a graph takes as long as a batch without one.
	const network = networkOf(model, { temperature, fast: paths.length > batchSize });
	return predictFiles(network, paths, { classNames, batchSize, ...options });
}

/** `predictImages` of a network, at its temperature. */
export async function predictFiles(
	network: Network,
	paths: string[],
	{
		classNames,
		batchSize = 32,
		applyOrientation,
		onProgress = null,
	}: Omit<PredictImagesOptions, "temperature"> & { classNames: string[] },
): Promise<ImagePrediction[]> {
	const [height, width, channels] = network.inputShape;
	const reader = readImages(
		paths,
		resolveDecodeOptions({ imageSize: [height, width], colorMode: colorModeOf(channels), applyOrientation }),
	);
	const progress = fileProgress(paths.length, onProgress);
	const results: ImagePrediction[] = [];
	try {
		for (let start = 0; start < paths.length; start += batchSize) {
			const batch = paths.slice(start, start + batchSize);
			const images: (Pixels | Error)[] = [];
			for (const path of batch) {
				images.push(await reader.next().catch((error) => explainUnreadable(path, error)));
				await progress.tick();
			}
			results.push(...classify(network, images).map((row, i) => predictionOf(batch[i], row, classNames)));
		}
	} finally {
		reader.stop();
	}
	progress.end();
	return results;
}

/** Returns an error with the verification result of a file, or the given one if the file passes. */
async function explainUnreadable(path: string, error: Error): Promise<Error> {
	const problem = await verifyImage(path);
	return problem ? new Error(`${problem.reason} (${problem.detail})`) : error;
}

/** Returns the prediction of each image of a batch, or the error in its place. */
function classify(network: Network, images: (Pixels | Error)[]): (Row | Error)[] {
	const readable = images.filter((image): image is Pixels => !(image instanceof Error));
	const rows = network.outputsOf(readable).map(network.toRow).values();
	return images.map((image) => (image instanceof Error ? image : (rows.next().value as Row)));
}

function predictionOf(path: string, row: Row | Error, classNames: string[]): ImagePrediction {
	if (row instanceof Error) return { path, label: null, probability: null, probabilities: [], error: row.message };
	const { label, probabilities } = row;
	return { path, label: classNames[label], probability: probabilities[label], probabilities, error: null };
}
