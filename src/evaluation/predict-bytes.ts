// Predicts images that are in memory: encoded, as a server receives them, or as pixels.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { colorModeOf, decodeAndResize, resolveDecodeOptions } from "../images/decode";
import type { DecodeOptions } from "../images/decode-graph";
import { type Format, formatOf, gifSize, readerOf, sizeOf } from "../images/formats";
import { openBySharp, unsupportedContent } from "../images/raw";
import { requireModelClasses, trainedClassNames } from "../training/classes";
import { type Network, networkOf } from "./network";

/** Prediction for an image in memory. */
export interface BytesPrediction {
	/** Predicted class. */
	label: string;
	/** Calibrated probability of the predicted class, 0–1. */
	probability: number;
	/** Calibrated probability of each class, 0–1, in the order of `classNames`. */
	probabilities: number[];
}

export interface BytesPredictorOptions {
	/** Names of the classes, in the order of the model's outputs. Default: those that it was trained on. */
	classNames?: string[];
	/** Temperature that calibrates the probabilities, above 0, see `fitTemperature`. Default 1: as the network gives them. */
	temperature?: number;
	/** The most pixels of an image: larger ones are rejected by their header, without decoding. Default 100 million. */
	maxPixels?: number;
}

/** What `bytesPredictor` returns. Its errors name no files and quote no decoder: a stranger may read them. */
export interface BytesPredictor {
	/** `[height, width, channels]` of the model's input. */
	inputShape: [number, number, number];
	/** Names of the classes, in the order of the model's outputs. */
	classNames: string[];
	/**
	 * Classifies encoded images, with the same pixels as `predictImages`: one prediction or error for each, in their order.
	 *
	 * @param images contents of JPEG, PNG, GIF, WebP, BMP, AVIF or TIFF files
	 */
	predictBytes(images: Uint8Array[]): Promise<(BytesPrediction | Error)[]>;
	/**
	 * Computes the calibrated probabilities of pixels.
	 *
	 * @param pixels float32 `[n, height, width, channels]` in 0–255, flat
	 * @returns probabilities `[n][classes]`
	 * @throws when they are not those of whole images or not from 0 to 255, or the network's outputs are no probabilities
	 */
	predictPixels(pixels: Float32Array): number[][];
	/** Decodes an image to pixels `[height · width · channels]` of the model's input: the first half of `predictBytes`. */
	decode(bytes: Uint8Array): Promise<Float32Array | Error>;
	/** Classifies decoded images, and passes errors on: the second half of `predictBytes`. */
	classify(images: (Float32Array | Error)[]): (BytesPrediction | Error)[];
}

/** Largest batch, a power of two: larger ones are split. */
const MAX_BATCH = 32;

/**
 * Returns functions that classify images in memory. Batches are padded to powers of two, so that only a few graphs are
 * made; the first batch of each size takes longer.
 *
 * @param model model with float32 input `[batch, height, width, channels]` in 0–255; images are resized to it as for training
 * @throws when `classNames` are not those that the model was trained on, or it was not trained here and they are missing
 */
export function bytesPredictor(
	model: tf.LayersModel,
	{ classNames = trainedClassNames(model), temperature = 1, maxPixels = 100e6 }: BytesPredictorOptions = {},
): BytesPredictor {
	if (!classNames) throw new Error("the model does not know its classes: pass classNames in the order of its outputs");
	requireModelClasses(model, { classNames, of: "classNames" });
	const network = networkOf(model, { temperature, fast: true });
	const { inputShape } = network;
	const [height, width, channels] = inputShape;
	const decoding = resolveDecodeOptions({ imageSize: [height, width], colorMode: colorModeOf(channels) });
	const decode = (bytes: Uint8Array) => decodeWithin(bytes, decoding, maxPixels);
	const classify = (images: (Float32Array | Error)[]) => classifyInBatches(network, images, classNames);
	return {
		inputShape,
		classNames,
		decode,
		classify,
		async predictBytes(images) {
			const decoded: (Float32Array | Error)[] = [];
			// One by one: a large image needs a gigabyte while it is decoded.
			for (const bytes of images) decoded.push(await decode(bytes));
			return classify(decoded);
		},
		predictPixels(pixels) {
			return classify(imagesOf(pixels, height * width * channels)).map((prediction) => {
				if (prediction instanceof Error) throw prediction;
				return prediction.probabilities;
			});
		},
	};
}

/** @throws when there are pixels left over, or some are outside of 0–255: a network may answer even to NaN */
function imagesOf(pixels: Float32Array, size: number): Float32Array[] {
	const images = pixels.length / size;
	if (!Number.isInteger(images)) throw new Error(`${pixels.length} pixel values: expected a multiple of ${size}`);
	const wrong = pixels.find((value) => !(value >= 0 && value <= 255));
	if (wrong !== undefined) throw new Error(`a pixel has the value ${wrong}: expected 0 to 255`);
	return Array.from({ length: images }, (_, i) => pixels.subarray(i * size, (i + 1) * size));
}

function classifyInBatches(
	network: Network,
	images: (Float32Array | Error)[],
	classNames: string[],
): (BytesPrediction | Error)[] {
	const readable = images.filter((image): image is Float32Array => !(image instanceof Error));
	const predictions: (BytesPrediction | Error)[] = [];
	for (let start = 0; start < readable.length; start += MAX_BATCH) {
		const batch = readable.slice(start, start + MAX_BATCH);
		const outputs = network.outputsOf(batch, 2 ** Math.ceil(Math.log2(batch.length)));
		for (const row of outputs) predictions.push(predictionOf(network, row, classNames));
	}
	const remaining = predictions.values();
	return images.map((image) => (image instanceof Error ? image : (remaining.next().value as BytesPrediction)));
}

/** Returns an error instead of throwing, since another image of the batch is not at fault. */
function predictionOf(network: Network, outputs: number[], classNames: string[]): BytesPrediction | Error {
	try {
		const { label, probabilities } = network.toRow(outputs);
		return { label: classNames[label], probability: probabilities[label], probabilities };
	} catch (cause) {
		return new Error("the network's outputs for this image are no probabilities: train a new model", { cause });
	}
}

async function decodeWithin(
	bytes: Uint8Array,
	decoding: DecodeOptions,
	maxPixels: number,
): Promise<Float32Array | Error> {
	const format = formatOf(bytes);
	if (bytes.length === 0) return new Error("empty (0 bytes)");
	if (!format) return new Error("not an image (the start of no known format)");
	if (!format.decoder) return new Error(`${format.name} is not supported: save it as JPEG or PNG`);
	try {
		const unsupported = unsupportedContent(format, bytes);
		if (unsupported) return new Error(`${format.name} of ${unsupported} is not supported: save it as JPEG or PNG`);
		const pixels = await claimedPixels(format, bytes);
		if (pixels > maxPixels)
			return new Error(`too large (${(pixels / 1e6).toFixed(1)} megapixels): expected at most ${maxPixels / 1e6}`);
		const image = await decodeAndResize(bytes, decoding, format.name);
		const values = image.dataSync<"float32">();
		image.dispose();
		return values;
	} catch (cause) {
		return new Error(`the ${format.name} cannot be decoded: it is truncated or damaged`, { cause });
	}
}

/** Returns the number of pixels that would be decoded, by the header; throws when it has none. */
async function claimedPixels(format: Format, bytes: Uint8Array): Promise<number> {
	const read = readerOf(bytes);
	if (format.decoder === "sharp") {
		const { width, height } = await openBySharp(format, bytes, false).metadata();
		return width * height;
	}
	// `sizeOf` reads the frames of a GIF from a file.
	const size = format.name === "GIF" ? gifSize(read(0, bytes.length)) : sizeOf(format, read, format.name);
	if (!size) throw new Error("no size");
	return size.pixels;
}
