// Tells what pictures show: files in, labels and probabilities out.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { verifyImage } from "../cleaning/verify";
import { loadImage } from "../datasets/dataset";
import { decodeFiles } from "../images/decode-graph";
import { requireSameClasses } from "../metrics/inputs";

/** What a model says of a picture. */
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
	/** Pictures per batch. Default 32. */
	batchSize?: number;
}

/**
 * Classifies files.
 *
 * @param model its input is float32 `[batch, height, width, 3]` in 0–255, to which the pictures are resized as for training
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
	const reading = { channels: 3, interpolation: "bilinear", cropToAspectRatio: false, packed: false } as const;
	const decoder = paths.length > 0 ? decodeFiles(paths, { imageSize, ...reading }) : null;
	const results: ImagePrediction[] = [];
	try {
		for (let start = 0; start < paths.length; start += batchSize) {
			const some = paths.slice(start, start + batchSize);
			const pictures: (Float32Array | Error)[] = [];
			for (const path of some)
				pictures.push((decoder?.next() as Float32Array | null) ?? (await readAlone(path, imageSize)));
			results.push(...classify(model, some, pictures, classNames));
		}
	} finally {
		decoder?.stop();
	}
	return results;
}

/** A file that TensorFlow's pipeline passed over. */
async function readAlone(path: string, imageSize: [number, number]): Promise<Float32Array | Error> {
	try {
		const pixels = await loadImage(path, { imageSize });
		const values = pixels.dataSync<"float32">();
		pixels.dispose();
		return values;
	} catch (error) {
		const verdict = await verifyImage(path);
		return verdict ? new Error(`${verdict.reason} (${verdict.detail})`) : (error as Error);
	}
}

function classify(model: tf.LayersModel, paths: string[], pictures: (Float32Array | Error)[], classNames: string[]) {
	const readable = pictures.filter((picture): picture is Float32Array => !(picture instanceof Error));
	const rows = tf.tidy(() => {
		if (readable.length === 0) return [];
		const shape = [-1, ...(model.inputs[0].shape.slice(1) as number[])];
		const xs = tf.concat(readable.map((picture) => tf.tensor1d(picture))).reshape(shape);
		return (model.predict(xs) as tf.Tensor).arraySync() as number[][];
	});
	const next = rows.values();
	return paths.map((path, i): ImagePrediction => {
		const picture = pictures[i];
		if (picture instanceof Error) {
			return { path, label: null, probability: null, probabilities: [], error: picture.message };
		}
		const probabilities = next.next().value as number[];
		const probability = Math.max(...probabilities);
		return { path, label: classNames[probabilities.indexOf(probability)], probability, probabilities, error: null };
	});
}
