// From folders of pictures to batches of tensors: Keras's image_dataset_from_directory.
import { type Dirent, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { isQuarantine } from "../cleaning/quarantine";
import { type DecodeOptions, decodeFiles, packedLength } from "../images/decode-graph";
import { formatOf } from "../images/formats";
import { DType, nodeBackend, runOperation } from "../tensorflow/graphdef";
import type { Counter } from "../tensorflow/random";
import type { Prepare } from "../tensorflow/steps";
import { pictureCache } from "./image-cache";
import { shuffled } from "./sampling";

/** The endings of the files that are read: those of Keras, and some more. Others are passed over. */
export const IMAGE_EXTENSIONS = [".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"];

/** The folders of a data set, as the pipeline names them. */
export const SPLITS = ["train", "valid", "test"];

/**
 * One batch: `xs` is float32 `[batch, height, width, channels]` in 0–255, `ys` the labels (see `labelMode`). Training
 * multiplies the loss of each sample by `sampleWeights`, float32 `[batch]`, if there are any.
 */
export type Batch = { xs: tf.Tensor4D; ys: tf.Tensor; sampleWeights?: tf.Tensor };

/**
 * Batches as they are read, and what makes pictures of them: training does that in its graph.
 *
 * With a cache `xs` are the bytes of the pictures, four to an int32: `[batch, bytes / 4]`.
 */
export interface BatchSource {
	/** One epoch. */
	batches(): AsyncGenerator<Batch>;
	/** Makes float32 `[batch, height, width, channels]` of a batch's `xs`. */
	prepare: Prepare;
	/** How many epochs were begun, and how far the random numbers of its augmentation were used. */
	counters: Counter[];
}

/** A `tf.data` dataset of batches that knows its classes and files. */
export interface ImageDataset extends tf.data.Dataset<Batch> {
	/** Where the batches come from; a dataset that was made of this one with `map` and the like has none. */
	source?: BatchSource;
	/** The names of the classes; a label is an index into them. */
	classNames: string[];
	/** The files in alphanumeric order, class by class: the order of the batches when `shuffle` is false. */
	filePaths: string[];
	/** The label of each file. */
	labels: number[];
}

export interface ImageDatasetOptions {
	/**
	 * The labels' form: `"int"` whole numbers `[batch]`, for sparse categorical cross-entropy; `"categorical"` one-hot
	 * `[batch, classes]`; `"binary"` 0 and 1 `[batch, 1]`, for two classes. All are float32, since the sparse loss of
	 * tf.layers takes no int32. Default `"int"`.
	 */
	labelMode?: "int" | "categorical" | "binary";
	/** The classes in the order wanted, the folders' names. Default: alphanumeric order. */
	classNames?: string[];
	/** 3, 1 or 4 channels. Default `"rgb"`. */
	colorMode?: "rgb" | "grayscale" | "rgba";
	/** Pictures per batch; the last batch holds what is left. Default 32. */
	batchSize?: number;
	/** `[height, width]` in pixels that every picture is resized to. Default `[256, 256]`. */
	imageSize?: [number, number];
	/** Whether the order changes from epoch to epoch. Default true. */
	shuffle?: boolean;
	/** Makes the shuffling and the split repeatable. Default: another order each time. */
	seed?: number;
	/** The share of the files, above 0 and below 1, that `subset: "validation"` gets. Default: no split. */
	validationSplit?: number;
	/** Which side of the split this dataset is. Needs `validationSplit`. */
	subset?: "training" | "validation";
	/** How pictures are resized. Default `"bilinear"`. */
	interpolation?: "bilinear" | "nearest";
	/** Whether to go into folders that are symbolic links. Default false. */
	followLinks?: boolean;
	/** Whether to cut the middle out of a picture, in place of distorting it, if its aspect differs. Default false. */
	cropToAspectRatio?: boolean;
	/**
	 * Whether decoded pictures are kept for further epochs, as whole numbers of 0–255: up to 0.5 from Keras's, which
	 * are fractions after resizing. A number limits the memory for that, in bytes; what is above goes to a temporary
	 * file. `false` decodes anew in each epoch, and pictures are exactly Keras's. Default: a quarter of the memory.
	 */
	cache?: boolean | number;
	/** Whether to print how many files of how many classes were found. Default true. */
	verbose?: boolean;
}

/**
 * Makes a `tf.data` dataset of labelled batches from a folder with one folder of pictures per class.
 *
 * Follows `keras.utils.image_dataset_from_directory`: same options and defaults, same class and file order, and
 * the same pixels, since TensorFlow decodes and resizes them. Three differences: each epoch shuffles all files (Keras
 * shuffles within a buffer of eight batches), which files a `validationSplit` picks differs from NumPy's choice, and
 * pictures are kept for further epochs (see `cache`). The first epoch decodes ahead, on all cores.
 *
 * @param directory for example `"dataset/train"` with `dataset/train/cat/*.jpg` and `dataset/train/dog/*.jpg`
 * @throws when there is no such folder, no class folder, or a class without pictures; while iterating, when a
 *   picture cannot be decoded
 */
export function imageDatasetFromDirectory(directory: string, options: ImageDatasetOptions = {}): ImageDataset {
	const seed = options.seed ?? Math.floor(Math.random() * 1e6);
	const { classNames, files } = selectSubset(indexDirectory(directory, options), options, seed);
	if (options.labelMode === "binary" && classNames.length !== 2) {
		throw new Error(`labelMode "binary" needs exactly two classes, but ${directory} has ${classNames.length}`);
	}
	return imageDatasetFromFiles(files, { ...options, classNames, seed });
}

/**
 * Makes the same dataset of files that are listed: a fold, a part, or files with other labels.
 *
 * @param files each with its label, an index into `classNames`
 * @param options those of `imageDatasetFromDirectory`, as far as they are not about folders
 * @throws when there are no files, or a label has no name
 */
export function imageDatasetFromFiles(
	files: LabelledFile[],
	options: ImageDatasetOptions & { classNames: string[] },
): ImageDataset {
	const { classNames, batchSize = 32, imageSize = [256, 256] } = options;
	const seed = options.seed ?? Math.floor(Math.random() * 1e6);
	requireWholeNumbers({ batchSize, imageHeight: imageSize[0], imageWidth: imageSize[1] });
	if (files.length === 0) throw new Error("there are no files to make a dataset of");
	const nameless = files.find(({ label }) => !(label in classNames));
	if (nameless)
		throw new Error(`${nameless.path} has the label ${nameless.label}: the classes are ${classNames.join(", ")}`);
	if (options.verbose ?? true) console.log(`Found ${files.length} files belonging to ${classNames.length} classes.`);
	const epochs = { count: 0 };
	const batches = batchReader(files, { seed, epochs }, classNames.length, options);
	const source = { batches, prepare: unpacker(toDecodeOptions(options)), counters: [epochs] };
	// The types ask for a synchronous generator; tf.data awaits each result all the same.
	const dataset = tf.data.generator((() => prepared(source)) as unknown as () => Generator<Batch>);
	return Object.assign(dataset, {
		size: Math.ceil(files.length / batchSize),
		source,
		classNames,
		filePaths: files.map(({ path }) => path),
		labels: files.map(({ label }) => label),
	}) as unknown as ImageDataset;
}

/** Goes through the files, each time in another order, and keeps what it decoded. */
function batchReader(
	files: LabelledFile[],
	{ seed, epochs }: { seed: number; epochs: Counter },
	classes: number,
	options: ImageDatasetOptions,
) {
	const { batchSize = 32, shuffle = true, labelMode = "int", cache } = options;
	const decoding = toDecodeOptions(options);
	const kept = pictureCache(packedLength(decoding), typeof cache === "number" ? cache : undefined);
	const numbers = files.map((_, i) => i);
	return async function* (): AsyncGenerator<Batch> {
		const order = shuffle ? shuffled(numbers, `${seed}/${epochs.count++}`) : numbers;
		const missing = new Set(order.filter((i) => !kept.has(i)));
		const decoder = decodeInOrder(
			[...missing].map((i) => files[i].path),
			decoding,
			options,
		);
		try {
			for (let start = 0; start < order.length; start += batchSize) {
				const batch = order.slice(start, start + batchSize);
				const pictures: Pixels[] = [];
				for (const i of batch) {
					const pixels = missing.has(i) ? await decoder.next() : kept.get(i);
					if (missing.has(i) && pixels instanceof Int32Array) kept.set(i, pixels);
					pictures.push(pixels);
				}
				const labels = batch.map((i) => files[i].label);
				yield { xs: toBatch(pictures, decoding), ys: tf.tidy(() => toLabels(labels, labelMode, classes)) };
			}
		} finally {
			decoder.stop();
		}
	};
}

/** A picture's values: packed bytes, or floats. */
type Pixels = Int32Array | Float32Array;

/** Decodes files, in their order: by TensorFlow, ahead of when they are wanted; what it cannot read, one by one. */
function decodeInOrder(paths: string[], decoding: DecodeOptions, options: ImageDatasetOptions) {
	const decoder = paths.length > 0 ? decodeFiles(paths, decoding) : null;
	const rest = paths.values();
	const next = async (): Promise<Pixels> => {
		const path = rest.next().value as string;
		const decoded = decoder?.next();
		if (decoded) return decoded;
		const pixels = await loadImage(path, options);
		const values = pixels.dataSync<"float32">();
		pixels.dispose();
		return decoding.packed ? pack(values, packedLength(decoding)) : values;
	};
	return { next, stop: () => decoder?.stop() };
}

function pack(values: Float32Array, length: number): Int32Array {
	const bytes = new Uint8ClampedArray(4 * length);
	bytes.set(values);
	return new Int32Array(bytes.buffer);
}

function toBatch(pictures: Pixels[], { imageSize, channels, packed }: DecodeOptions): tf.Tensor4D {
	const { length } = pictures[0];
	const values = packed ? new Int32Array(pictures.length * length) : new Float32Array(pictures.length * length);
	pictures.forEach((picture, i) => {
		values.set(picture, i * length);
	});
	// Packed batches have two dimensions; `prepare` makes four of them.
	const shape = packed ? [pictures.length, length] : [pictures.length, ...imageSize, channels];
	return tf.tensor(values, shape as [number, number], packed ? "int32" : "float32") as unknown as tf.Tensor4D;
}

function unpacker({ imageSize, channels, packed }: DecodeOptions): Prepare {
	if (!packed) return (xs) => xs;
	const shape = [...imageSize, channels] as const;
	const size = imageSize[0] * imageSize[1] * channels;
	return (xs) => {
		const floats = toFloats(runOperation("Bitcast", { T: DType.int32, type: DType.uint8 }, [xs]));
		const rows = floats.reshape([xs.shape[0], -1]) as tf.Tensor2D;
		const exact = rows.shape[1] === size ? rows : rows.slice([0, 0], [-1, size]);
		return exact.reshape([-1, ...shape]);
	};
}

async function* prepared({ batches, prepare }: BatchSource): AsyncGenerator<Batch> {
	for await (const { xs, ys } of batches()) {
		const pictures = tf.tidy(() => prepare(xs)) as tf.Tensor4D;
		if (pictures !== xs) xs.dispose();
		yield { xs: pictures, ys };
	}
}

function toDecodeOptions(options: ImageDatasetOptions): DecodeOptions {
	const { imageSize = [256, 256], colorMode = "rgb", interpolation = "bilinear", cropToAspectRatio = false } = options;
	const channels = CHANNELS[colorMode];
	return { imageSize, channels, interpolation, cropToAspectRatio, packed: options.cache !== false };
}

/**
 * Reads one picture as training reads it.
 *
 * @param path a JPEG, PNG, GIF or WebP (the first frame), BMP, AVIF or TIFF (the first page) file
 * @param options `imageSize`, `colorMode`, `interpolation` and `cropToAspectRatio` of `imageDatasetFromDirectory`
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when the file cannot be read or decoded
 */
export async function loadImage(path: string, options: ImageDatasetOptions = {}): Promise<tf.Tensor3D> {
	const decoded = await decodeImage(path, await readFile(path), CHANNELS[options.colorMode ?? "rgb"]);
	const pixels = tf.tidy(() => toPixels(decoded, options));
	decoded.dispose();
	return pixels;
}

/**
 * Decodes the bytes of a picture as training does, in its own size.
 *
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when they cannot be decoded
 */
export async function decodeImage(path: string, bytes: Uint8Array, channels: number): Promise<tf.Tensor3D> {
	try {
		const bySharp = formatOf(bytes)?.decoder === "sharp";
		const readable = bySharp ? await sharp(bytes, SHARP_OPTIONS).toColourspace("srgb").png().toBuffer() : bytes;
		return tf.tidy(() => decode(readable, channels));
	} catch (error) {
		const { message } = error as Error;
		// TensorFlow's second line says what its first has a number for.
		const why = (/^Message: (.*)/m.exec(message)?.[1] ?? message.split("\n")[0]).trim();
		throw new Error(`${path} cannot be decoded (${why}): run cleanTheData on its data set first`, { cause: why });
	}
}

/** A row of `countImages`. */
export type ImageCount = { split: string; class: string; pictures: number };

/**
 * Counts the pictures of each class in each split.
 *
 * @param dataset the folder with the splits
 * @param splits the folders to count in. Default `["train", "valid", "test"]`
 * @throws as `imageDatasetFromDirectory` does
 */
export function countImages(dataset: string, splits = SPLITS): ImageCount[] {
	return splits.flatMap((split) => {
		const { classNames, files } = indexDirectory(join(dataset, split), {});
		return classNames.map((name, label) => ({
			split,
			class: name,
			pictures: files.filter((file) => file.label === label).length,
		}));
	});
}

/** A picture and its class, as an index. */
export type LabelledFile = { path: string; label: number };
type Index = { classNames: string[]; files: LabelledFile[] };

function indexDirectory(directory: string, { classNames, followLinks = false }: ImageDatasetOptions): Index {
	const example = `one folder per class, for example ${join(directory, "cat")}/*.jpg`;
	const found = readFolder(directory, example)
		.filter((entry) => isFolder(join(directory, entry.name), entry, true) && !entry.name.startsWith("."))
		.filter(({ name }) => !isQuarantine(join(directory, name)))
		.map(({ name }) => name)
		.sort();
	if (found.length === 0) throw new Error(`${directory} has no images: expected ${example}`);
	const missing = classNames?.find((name) => !found.includes(name));
	if (missing) throw new Error(`${directory} has no class ${missing}: its folders are ${found.join(", ")}`);
	const unnamed = classNames && found.find((name) => !classNames.includes(name));
	if (unnamed)
		throw new Error(
			`${directory} has a class ${unnamed}, but classNames are ${classNames.join(", ")}: leave out the folder`,
		);
	const names = classNames ?? found;
	if (names.length === 1) {
		throw new Error(`${directory} has only one class (${names[0]}): a classifier needs two or more folders`);
	}
	const files = names.flatMap((name, label) => {
		const paths = imagesIn(join(directory, name), followLinks);
		if (paths.length > 0) return paths.map((path) => ({ path, label }));
		throw new Error(
			`${join(directory, name)} has no images: expected files ending in ${IMAGE_EXTENSIONS.join(", ")}; remove the folder if it is no class`,
		);
	});
	return { classNames: names, files };
}

/** All pictures in a folder and its subfolders, in alphanumeric order, folder by folder as Keras lists them. */
function imagesIn(directory: string, followLinks: boolean): string[] {
	const folders = [directory];
	const walk = (folder: string, ancestors: string[]) => {
		const real = String(statSync(folder).ino);
		if (ancestors.includes(real)) return; // a symbolic link that leads back up
		for (const entry of readdirSync(folder, { withFileTypes: true })) {
			const path = join(folder, entry.name);
			if (!isFolder(path, entry, followLinks) || isQuarantine(path)) continue;
			folders.push(path);
			walk(path, [...ancestors, real]);
		}
	};
	walk(directory, []);
	return folders.sort().flatMap((folder) =>
		readdirSync(folder, { withFileTypes: true })
			.filter((entry) => !entry.isDirectory() && IMAGE_EXTENSIONS.includes(extname(entry.name).toLowerCase()))
			.map(({ name }) => join(folder, name))
			.sort(),
	);
}

function isFolder(path: string, entry: Dirent, followLinks: boolean): boolean {
	if (!entry.isSymbolicLink() || !followLinks) return entry.isDirectory();
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readFolder(directory: string, example: string): Dirent[] {
	try {
		return readdirSync(directory, { withFileTypes: true });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const why =
			code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is not a folder" : String(code);
		throw new Error(`cannot read ${directory}: ${why}; expected ${example}`);
	}
}

function selectSubset(index: Index, { validationSplit, subset }: ImageDatasetOptions, seed: number): Index {
	if (validationSplit === undefined && subset === undefined) return index;
	if (!validationSplit || validationSplit <= 0 || validationSplit >= 1 || !subset) {
		throw new Error('validationSplit (above 0, below 1) and subset ("training" or "validation") go together');
	}
	const files = shuffled(index.files, `${seed}/split`);
	const validation = Math.floor(files.length * validationSplit);
	const chosen = subset === "validation" ? files.slice(-validation) : files.slice(0, -validation);
	if (validation === 0 || chosen.length === 0) {
		throw new Error(`validationSplit ${validationSplit} leaves no pictures for the ${subset} subset`);
	}
	return { ...index, files: chosen };
}

const CHANNELS = { grayscale: 1, rgb: 3, rgba: 4 } as const;

function toPixels(decoded: tf.Tensor3D, options: ImageDatasetOptions): tf.Tensor3D {
	const { imageSize = [256, 256], interpolation = "bilinear", cropToAspectRatio = false } = options;
	const pixels = cropToAspectRatio ? cropToAspect(decoded, imageSize) : decoded;
	const resize = interpolation === "nearest" ? tf.image.resizeNearestNeighbor : tf.image.resizeBilinear;
	return resize(pixels, imageSize, false, true);
}

/** What is damaged is an error; what only differs from the format's rules is not. */
const SHARP_OPTIONS = { failOn: "error" } as const;

/** TensorFlow's own operation: `tf.node.decodeImage` knows fewer formats. */
function decode(bytes: Uint8Array, channels: number): tf.Tensor3D {
	const backend = nodeBackend();
	const { TF_ATTR_TYPE, TF_ATTR_INT, TF_ATTR_BOOL } = backend.binding;
	const attributes = [
		{ name: "channels", type: TF_ATTR_INT, value: channels },
		{ name: "dtype", type: TF_ATTR_TYPE, value: DType.uint8 },
		{ name: "expand_animations", type: TF_ATTR_BOOL, value: false },
	];
	const contents = tf.scalar(bytes as unknown as string, "string");
	const pixels = backend.executeSingleOutput("DecodeImage", attributes, [contents]);
	return toFloats(pixels) as tf.Tensor3D;
}

/** tfjs does not know that what it has are bytes. */
function toFloats(bytes: tf.Tensor): tf.Tensor {
	return runOperation("Cast", { SrcT: DType.uint8, DstT: DType.float32 }, [bytes]);
}

/** The largest middle part with the aspect of `size`. */
function cropToAspect(image: tf.Tensor3D, [height, width]: [number, number]): tf.Tensor3D {
	const [h, w, channels] = image.shape;
	const cropHeight = Math.min(h, Math.trunc((w * height) / width));
	const cropWidth = Math.min(w, Math.trunc((h * width) / height));
	const top = Math.trunc((h - cropHeight) / 2);
	const left = Math.trunc((w - cropWidth) / 2);
	return image.slice([top, left, 0], [cropHeight, cropWidth, channels]);
}

function toLabels(labels: number[], mode: "int" | "categorical" | "binary", classes: number): tf.Tensor {
	if (mode === "int") return tf.tensor1d(labels);
	if (mode === "binary") return tf.tensor2d(labels, [labels.length, 1]);
	return tf.oneHot(tf.tensor1d(labels, "int32"), classes).toFloat();
}

function requireWholeNumbers(values: Record<string, number>): void {
	for (const [name, value] of Object.entries(values)) {
		if (Number.isInteger(value) && value > 0) continue;
		throw new Error(`${name} is ${value}: expected a whole number above 0`);
	}
}
