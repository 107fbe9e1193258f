// Predicts image files.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { verifyImage } from "../cleaning/verify";
import { colorModeOf, type Pixels, readImages, resolveDecodeOptions } from "../images/decode";
import { withTemperature } from "../metrics/temperature";
import { compiledModel } from "../tensorflow/layers-model";
import { type Prepare, predictStep } from "../tensorflow/steps";
import type { TensorFunction } from "../tensorflow/trace";
import { requireModelClasses, trainedClassNames } from "../training/classes";
import { probabilitiesOf, type Row } from "./outputs";

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
	{
		classNames = trainedClassNames(model),
		batchSize = 32,
		applyOrientation,
		temperature = 1,
	}: PredictImagesOptions = {},
): Promise<ImagePrediction[]> {
	if (!classNames) throw new Error("the model does not know its classes: pass classNames in the order of its outputs");
	requireModelClasses(model, { classNames, of: "classNames" });
	const toRow = calibrated(probabilitiesOf(model), temperature);
	// To make a graph takes as long as a batch without one.
	const step = predictStep(compiledModel(model), unchanged, { fast: paths.length > batchSize });
	const [height, width, channels] = model.inputs[0].shape.slice(1) as number[];
	const reader = readImages(
		paths,
		resolveDecodeOptions({ imageSize: [height, width], colorMode: colorModeOf(channels), applyOrientation }),
	);
	const results: ImagePrediction[] = [];
	try {
		for (let start = 0; start < paths.length; start += batchSize) {
			const batch = paths.slice(start, start + batchSize);
			const images: (Pixels | Error)[] = [];
			for (const path of batch) images.push(await reader.next().catch((error) => explainUnreadable(path, error)));
			results.push(...classify(model, step, toRow, images).map((row, i) => predictionOf(batch[i], row, classNames)));
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

/** Returns the same rows with the probabilities at a temperature. */
function calibrated(toRow: (outputs: number[]) => Row, temperature: number): (outputs: number[]) => Row {
	if (temperature === 1) return toRow;
	return (outputs) => {
		const row = toRow(outputs);
		return { ...row, probabilities: withTemperature([row.logProbabilities], temperature)[0] };
	};
}

const unchanged: Prepare = (xs) => xs;

/** Returns the prediction of each image of a batch, or the error in its place. */
function classify(
	model: tf.LayersModel,
	step: TensorFunction,
	toRow: (outputs: number[]) => Row,
	images: (Pixels | Error)[],
): (Row | Error)[] {
	const readable = images.filter((image): image is Pixels => !(image instanceof Error));
	const outputs = tf.tidy(() => {
		if (readable.length === 0) return [];
		const shape = [-1, ...(model.inputs[0].shape.slice(1) as number[])];
		const xs = tf.concat(readable.map((image) => tf.tensor1d(image))).reshape(shape);
		return step([xs])[0].arraySync() as number[][];
	});
	const rows = outputs.map(toRow).values();
	return images.map((image) => (image instanceof Error ? image : (rows.next().value as Row)));
}

function predictionOf(path: string, row: Row | Error, classNames: string[]): ImagePrediction {
	if (row instanceof Error) return { path, label: null, probability: null, probabilities: [], error: row.message };
	const { label, probabilities } = row;
	return { path, label: classNames[label], probability: probabilities[label], probabilities, error: null };
}
