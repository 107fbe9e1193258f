// `imageDatasetFromDirectory` and `imageDatasetFromFiles`.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { resolveDecodeOptions, unpack } from "../images/decode";
import { requirePositiveIntegers } from "../support/numbers";
import { printable } from "../support/text";
import { epochsOf, preparedBatches, readBatches, toLabels } from "./batches";
import { indexDirectory, selectSubset } from "./directory";
import { sentenceOf, withJournal } from "./labels";
import type { Batch, ImageDataset, ImageDatasetOptions, LabelledFile } from "./types";

/**
 * Returns a `tf.data` dataset of labelled batches from a folder with one folder of images per class.
 *
 * Follows `keras.utils.image_dataset_from_directory`: same options and defaults, same class and file order, and
 * the same pixels, since TensorFlow decodes and resizes them. Five differences:
 *
 * - each epoch shuffles all files (Keras shuffles within a buffer of eight batches);
 * - `validationSplit` selects other files than NumPy does, and needs a seed even without `shuffle`;
 * - class names are in Unicode's form NFC; hidden files and folders, and those of tools (`@eaDir`, `__MACOSX`), are left out;
 * - the decisions of the data set's label journal count, if there is one (see `labels`);
 * - decoded images are cached for further epochs, rounded to integers (see `cache`).
 *
 * @param directory for example `"dataset/train"` with `dataset/train/cat/*.jpg` and `dataset/train/dog/*.jpg`. For
 *   `dataset/valid` the folder may be called `val` or `validation`
 * @returns batches: `xs` float32 `[batch, height, width, channels]` in 0–255, `ys` float32, see `labelMode`
 * @throws when there is no such folder, fewer than two class folders, or a class without images; with `validationSplit`
 *   without a seed; while iterating, when an image cannot be decoded
 */
export function imageDatasetFromDirectory(directory: string, options: ImageDatasetOptions = {}): ImageDataset {
	// The subset first: which files it has does not depend on decisions.
	const index = withJournal(selectSubset(indexDirectory(directory, options), options), options);
	const { classNames, files, applied } = index;
	if (options.labelMode === "binary" && classNames.length !== 2) {
		throw new Error(`labelMode "binary" needs exactly two classes, but ${directory} has ${classNames.length}`);
	}
	const dataset = imageDatasetFromFiles(files, { ...options, classNames });
	const sentence = applied && sentenceOf(applied);
	if (sentence && (options.verbose ?? true)) console.log(printable(sentence));
	return Object.assign(dataset, { directory: index.directory });
}

/**
 * Returns the same dataset from a list of files: a fold, a subset, or files with other labels.
 *
 * @param files each with its label, an index into `classNames`
 * @param options the options of `imageDatasetFromDirectory`; `validationSplit`, `subset` and `followLinks` are ignored
 * @throws when there are no files, or a label is no index into `classNames`
 */
export function imageDatasetFromFiles(
	files: LabelledFile[],
	options: ImageDatasetOptions & { classNames: string[] },
): ImageDataset {
	const { classNames, batchSize = 32, cache, shuffle = true, labelMode = "int" } = options;
	const seed = options.seed ?? Math.floor(Math.random() * 1e6);
	const decoding = resolveDecodeOptions(options, cache !== false);
	requirePositiveIntegers({ batchSize });
	if (files.length === 0) throw new Error("there are no files to make a dataset of: expected at least one");
	const unnamed = files.find(({ label }) => !(label in classNames));
	if (unnamed)
		throw new Error(`${unnamed.path} has the label ${unnamed.label}: the classes are ${classNames.join(", ")}`);
	if (options.verbose ?? true) console.log(`Found ${files.length} files belonging to ${classNames.length} classes.`);
	const epochs = { count: 0 };
	const order = { batchSize, shuffle, seed, epochs };
	const cacheLimit = typeof cache === "number" ? cache : undefined;
	const [filePaths, labels] = [files.map(({ path }) => path), files.map(({ label }) => label)];
	const labelsOf = (indices: number[]) =>
		toLabels(
			indices.map((i) => labels[i]),
			labelMode,
			classNames.length,
		);
	const fileBatches = { decoding, batchSize, nextEpoch: epochsOf(files.length, order), labelsOf };
	const batches = readBatches(filePaths, fileBatches, cacheLimit);
	const source = { batches, prepare: unpack(decoding), counters: [epochs], files: fileBatches };
	// `tf.data.generator` is typed for synchronous generators, but awaits each result.
	const dataset = tf.data.generator((() => preparedBatches(source)) as unknown as () => Generator<Batch>);
	return Object.assign(dataset, {
		size: Math.ceil(files.length / batchSize),
		source,
		classNames,
		filePaths,
		labels,
		shuffled: shuffle,
	}) as unknown as ImageDataset;
}
