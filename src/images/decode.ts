// Reads images as training does, many at a time, falling back to one by one.
import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { requirePositiveIntegers } from "../support/numbers";
import { DType, runOperation } from "../tensorflow/backend";
import { decodeImageBytes, toFloats } from "../tensorflow/image-operations";
import { type DecodeOptions, decodeFiles, packedLength } from "./decode-graph";
import { formatOf } from "./formats";

/** Options of reading images, as those of Keras's `image_dataset_from_directory`. */
export interface ReadOptions {
	/** `[height, width]` in pixels that every image is resized to. Default `[256, 256]`. */
	imageSize?: [number, number];
	/** The channels: `"rgb"` 3, `"grayscale"` 1, `"rgba"` 4. Default `"rgb"`. */
	colorMode?: "rgb" | "grayscale" | "rgba";
	/** The interpolation of resizing. Default `"bilinear"`. */
	interpolation?: "bilinear" | "nearest";
	/** Whether images of another aspect ratio are centre-cropped instead of distorted. Default false. */
	cropToAspectRatio?: boolean;
}

const CHANNELS = { grayscale: 1, rgb: 3, rgba: 4 } as const;

/**
 * Resolves `ReadOptions` with their defaults. All decoding code takes the result, so that the defaults are applied once.
 *
 * @param packed whether pixels are rounded to bytes, see `DecodeOptions`. Default false
 * @throws when the size is not two integers above 0
 */
export function resolveDecodeOptions(options: ReadOptions, packed = false): DecodeOptions {
	const { imageSize = [256, 256], colorMode = "rgb", interpolation = "bilinear", cropToAspectRatio = false } = options;
	requirePositiveIntegers({ imageHeight: imageSize[0], imageWidth: imageSize[1] });
	return { imageSize, channels: CHANNELS[colorMode], interpolation, cropToAspectRatio, packed };
}

/** Pixels of an image in 0–255, flat: packed bytes (int32) or float32, see `DecodeOptions`. */
export type Pixels = Int32Array | Float32Array;

/**
 * Starts to read image files ahead, with TensorFlow's input pipeline. Files that it cannot decode are read one by one.
 *
 * @returns `next`, which resolves to the next file's pixels and throws when the file cannot be decoded; `stop`, which must
 *   be called at the end
 */
export function readImages(paths: string[], decoding: DecodeOptions) {
	const decoder = paths.length > 0 ? decodeFiles(paths, decoding) : null;
	const remaining = paths.values();
	const next = async (): Promise<Pixels> => {
		const path = remaining.next().value as string;
		const decoded = decoder?.next();
		if (decoded) return decoded;
		const pixels = await readImage(path, decoding);
		const values = pixels.dataSync<"float32">();
		pixels.dispose();
		return decoding.packed ? pack(values, packedLength(decoding)) : values;
	};
	return { next, stop: () => decoder?.stop() };
}

/**
 * Reads an image file with the same pixels as a dataset: the reference implementation of `readImages`.
 *
 * @param path a JPEG, PNG, GIF or WebP (its first frame), BMP, AVIF or TIFF (its first page) file
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when the file cannot be read or decoded
 */
export const loadImage = (path: string, options: ReadOptions = {}): Promise<tf.Tensor3D> =>
	readImage(path, resolveDecodeOptions(options));

async function readImage(path: string, decoding: DecodeOptions): Promise<tf.Tensor3D> {
	const decoded = await decodeImage(path, await readFile(path), decoding.channels);
	const pixels = tf.tidy(() => resize(decoded, decoding));
	decoded.dispose();
	return pixels;
}

/** Damaged data are errors; deviations from a format's rules that do not change pixels are not. */
const SHARP_OPTIONS = { failOn: "error" } as const;

/**
 * Decodes the bytes of an image file, without resizing: by TensorFlow, or by sharp for formats that TensorFlow cannot decode.
 *
 * @param path the file's name for the message
 * @param channels 1, 3 or 4
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when they cannot be decoded; `cause` is the decoder's message
 */
export async function decodeImage(path: string, bytes: Uint8Array, channels: number): Promise<tf.Tensor3D> {
	try {
		const bySharp = formatOf(bytes)?.decoder === "sharp";
		const readable = bySharp ? await sharp(bytes, SHARP_OPTIONS).toColourspace("srgb").png().toBuffer() : bytes;
		return tf.tidy(() => decodeImageBytes(readable, channels));
	} catch (error) {
		const { message } = error as Error;
		// TensorFlow's first line has an error code, its second line the explanation.
		const reason = (/^Message: (.*)/m.exec(message)?.[1] ?? message.split("\n")[0]).trim();
		throw new Error(`${path} cannot be decoded (${reason}): run cleanTheData on its data set first`, { cause: reason });
	}
}

function resize(decoded: tf.Tensor3D, { imageSize, interpolation, cropToAspectRatio }: DecodeOptions): tf.Tensor3D {
	const pixels = cropToAspectRatio ? centreCrop(decoded, imageSize) : decoded;
	const resized = interpolation === "nearest" ? tf.image.resizeNearestNeighbor : tf.image.resizeBilinear;
	return resized(pixels, imageSize, false, true);
}

/** Crops to the largest centre with the aspect ratio of `[height, width]`, as `centreCropNodes` in `decode-graph.ts`. */
function centreCrop(image: tf.Tensor3D, [height, width]: [number, number]): tf.Tensor3D {
	const [h, w, channels] = image.shape;
	const cropHeight = Math.min(h, Math.trunc((w * height) / width));
	const cropWidth = Math.min(w, Math.trunc((h * width) / height));
	const top = Math.trunc((h - cropHeight) / 2);
	const left = Math.trunc((w - cropWidth) / 2);
	return image.slice([top, left, 0], [cropHeight, cropWidth, channels]);
}

/** Rounds to bytes (half to even) and packs four in each int32, as `packNodes` in `decode-graph.ts`. */
function pack(values: Float32Array, length: number): Int32Array {
	const bytes = new Uint8ClampedArray(4 * length);
	bytes.set(values);
	return new Int32Array(bytes.buffer);
}

/**
 * Returns the function that converts a batch of `readImages`' pixels to images: int32 `[batch, bytes / 4]` to float32
 * `[batch, height, width, channels]`. The identity when pixels are not packed.
 */
export function unpack({ imageSize, channels, packed }: DecodeOptions): (xs: tf.Tensor) => tf.Tensor {
	if (!packed) return (xs) => xs;
	const size = imageSize[0] * imageSize[1] * channels;
	return (xs) => {
		const floats = toFloats(runOperation("Bitcast", { T: DType.int32, type: DType.uint8 }, [xs]));
		const rows = floats.reshape([xs.shape[0], -1]) as tf.Tensor2D;
		const unpadded = rows.shape[1] === size ? rows : rows.slice([0, 0], [-1, size]);
		return unpadded.reshape([-1, ...imageSize, channels]);
	};
}

/** An image for `showImages`: a file, or pixels in 0–255. */
export interface CaptionedImage {
	/** A path, or a tensor `[height, width, channels]` with 1, 3 or 4 channels. */
	image: string | { shape: number[]; dataSync(): ArrayLike<number> };
	/** The text below the image. Default: none. */
	caption?: string;
}
