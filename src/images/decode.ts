// Reads images as training does, many at a time, falling back to one by one.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { isReadable, readRegularFile } from "../support/files";
import { requirePositiveIntegers } from "../support/numbers";
import { DType, runOperation } from "../tensorflow/backend";
import type { OrderedResults } from "../tensorflow/file-map";
import { toFloats } from "../tensorflow/image-operations";
import { decodeImage } from "./decode-bytes";
import { type DecodeOptions, decodeFiles, type FileKind, packedLength } from "./decode-graph";
import { formatOf, formatOfFile, readerOf } from "./formats";
import { orientationOf, readOrientation, TURNS } from "./orientation";

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
	/**
	 * Whether images are turned upright by their EXIF orientation (by the rotation and mirroring of AVIF). Default false: as in
	 * Keras, images of every format are read as they are stored.
	 */
	applyOrientation?: boolean;
}

const CHANNELS = { grayscale: 1, rgb: 3, rgba: 4 } as const;

/** Returns the `colorMode` of a number of channels; throws when it is not 1, 3 or 4. */
export function colorModeOf(channels: number): keyof typeof CHANNELS {
	const modes = Object.keys(CHANNELS) as (keyof typeof CHANNELS)[];
	const mode = modes.find((name) => CHANNELS[name] === channels);
	if (!mode) throw new Error(`images of ${channels} channels: expected 1 (grayscale), 3 (rgb) or 4 (rgba)`);
	return mode;
}

/**
 * Resolves `ReadOptions` with their defaults. All decoding code takes the result, so that the defaults are applied once.
 *
 * @param packed whether pixels are rounded to bytes, see `DecodeOptions`. Default false
 * @throws when the size is not two integers above 0, or `colorMode` or `interpolation` is none of theirs
 */
export function resolveDecodeOptions(options: ReadOptions, packed = false): DecodeOptions {
	const { imageSize = [256, 256], colorMode = "rgb", interpolation = "bilinear" } = options;
	const { cropToAspectRatio = false, applyOrientation = false } = options;
	requirePositiveIntegers({ imageHeight: imageSize[0], imageWidth: imageSize[1] });
	if (!Object.hasOwn(CHANNELS, colorMode))
		throw new Error(`colorMode is ${colorMode}: expected ${Object.keys(CHANNELS).join(", ")}`);
	if (interpolation !== "bilinear" && interpolation !== "nearest")
		throw new Error(`interpolation is ${interpolation}: expected bilinear or nearest`);
	return { imageSize, channels: CHANNELS[colorMode], interpolation, cropToAspectRatio, applyOrientation, packed };
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
	const decoder = decodeFilesOfAllKinds(paths, decoding);
	const remaining = paths.values();
	const next = async (): Promise<Pixels> => {
		const path = remaining.next().value as string;
		const decoded = decoder.next();
		if (decoded) return decoded;
		const pixels = await readImage(path, decoding);
		const values = pixels.dataSync<"float32">();
		pixels.dispose();
		return decoding.packed ? pack(values, packedLength(decoding)) : values;
	};
	return { next, stop: decoder.stop };
}

/** Starts a decoder for each kind of files; `next` returns the results in the order of the files. */
function decodeFilesOfAllKinds(paths: string[], decoding: DecodeOptions): Pick<OrderedResults, "next" | "stop"> {
	const kinds = paths.map((path) => JSON.stringify(kindOf(path, decoding)));
	const decoders = new Map<string, OrderedResults>();
	for (const kind of new Set(kinds)) {
		const files = paths.filter((_, i) => kinds[i] === kind);
		decoders.set(kind, decodeFiles(files, decoding, JSON.parse(kind) as FileKind));
	}
	const remaining = kinds.values();
	return {
		next: () => decoders.get(remaining.next().value as string)?.next() ?? null,
		stop() {
			for (const decoder of decoders.values()) decoder.stop();
		},
	};
}

/** Returns the kind of a file. Reads its header only if that matters. */
function kindOf(path: string, { channels, applyOrientation }: DecodeOptions): FileKind {
	const isJpeg = channels === 4 && formatOfFile(path)?.name === "JPEG";
	try {
		return { isJpeg, orientation: applyOrientation && isReadable(path) ? readOrientation(path) : 1 };
	} catch {
		return { isJpeg, orientation: 1 }; // `next` says why the file cannot be read.
	}
}

/**
 * Reads an image file with the same pixels as a dataset: the reference implementation of `readImages`.
 *
 * The pixels are Keras's (`tf.io.decode_image`) for files that Keras reads, and Pillow's for others:
 *
 * - an animation or a file of several pages is its first frame or page;
 * - images are not turned (see `applyOrientation`; Pillow would turn TIFF), and colour profiles are ignored;
 * - 16-bit channels are their upper byte; images with other integers or floating-point numbers are unsupported;
 * - `"grayscale"` is the decoder's own conversion for JPEG and PNG, or else Pillow's `convert("L")`, also where Keras fails;
 * - `"rgb"` drops transparency; `"rgba"` is opaque where a format has none, also where Keras fails. Pixels of GIF that are
 *   transparent or outside of the first frame are black, as in Keras.
 *
 * All files that `cleanTheData` keeps are read in all three.
 *
 * @param path a JPEG, PNG, GIF, WebP, BMP, AVIF or TIFF file
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when the file cannot be read or decoded
 */
export const loadImage = (path: string, options: ReadOptions = {}): Promise<tf.Tensor3D> =>
	readImage(path, resolveDecodeOptions(options));

const readImage = async (path: string, decoding: DecodeOptions): Promise<tf.Tensor3D> =>
	decodeAndResize(await readRegularFile(path), decoding, path);

/**
 * Decodes the bytes of an image file with the same pixels as `loadImage`.
 *
 * @param decoding see `resolveDecodeOptions`; pixels are not packed
 * @param name the file's name for the message
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when they cannot be decoded
 */
export async function decodeAndResize(bytes: Uint8Array, decoding: DecodeOptions, name: string): Promise<tf.Tensor3D> {
	const decoded = await decodeImage(name, bytes, decoding.channels);
	const orientation = decoding.applyOrientation ? orientationOf(formatOf(bytes)?.name, readerOf(bytes)) : 1;
	const pixels = tf.tidy(() => resize(turn(decoded, orientation), decoding));
	decoded.dispose();
	return pixels;
}

/** Turns an image by its orientation, as `turnNodes` in `decode-graph.ts`. */
function turn(image: tf.Tensor3D, orientation: number): tf.Tensor3D {
	const turns = TURNS[orientation];
	if (!turns) return image;
	const transposed = turns.transpose ? tf.transpose(image, [1, 0, 2]) : image;
	return tf.reverse(transposed, turns.reverse);
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
