// `Batch`, `ImageDataset` and the options of the loaders.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { ReadOptions } from "../images/decode";
import type { DecodeOptions } from "../images/decode-graph";
import type { Counter } from "../tensorflow/random";
import type { Prepare } from "../tensorflow/steps";

/**
 * A batch: `xs` are images, float32 `[batch, height, width, channels]` in 0–255; `ys` are labels, float32 (see `labelMode`);
 * `sampleWeights`, float32 `[batch]`, multiply the loss of each sample in training. Default: no weights.
 */
export type Batch = { xs: tf.Tensor4D; ys: tf.Tensor; sampleWeights?: tf.Tensor };

/** The source of a dataset's batches, from which training reads: `prepare` is part of its graph. */
export interface BatchSource {
	/** Yields the batches of one epoch; with a cache `xs` is packed: int32 `[batch, bytes / 4]`. */
	batches(): AsyncGenerator<Batch>;
	/** Converts `xs` to float32 `[batch, height, width, channels]`. */
	prepare: Prepare;
	/** The number of epochs begun, and of draws of the augmentation. Training saves and restores them. */
	counters: Counter[];
	/** How the batches are made of files; missing where images are augmented. */
	files?: FileBatches;
}

/** How batches are made of files: for features, which replace the images. */
export interface FileBatches {
	/** How the files are read. */
	decoding: DecodeOptions;
	/** Images per batch; the last batch can be smaller. */
	batchSize: number;
	/** Begins an epoch: returns the indices of the files in each of its batches. */
	nextEpoch(): number[][];
	/** Returns the labels of files by index, as `ys`. */
	labelsOf(indices: number[]): tf.Tensor;
}

/** A `tf.data` dataset of batches with its classes and files. */
export interface ImageDataset extends tf.data.Dataset<Batch> {
	/** The source of the batches; missing after `map` and other transformations of `tf.data`. */
	source?: BatchSource;
	/** The names of the classes, in Unicode's form NFC; a label is an index into them. */
	classNames: string[];
	/** The folder that it was read from; missing for a list of files. */
	directory?: string;
	/** The files in alphanumeric order, class by class: the order of the batches when `shuffle` is false. */
	filePaths: string[];
	/** The label of each file. */
	labels: number[];
	/** Whether each pass over the batches has another order than `filePaths` and `labels`. */
	shuffled: boolean;
}

/** Options of `imageDatasetFromDirectory`. */
export interface ImageDatasetOptions extends ReadOptions {
	/**
	 * The encoding of labels: `"int"` class indices `[batch]`, for sparse categorical cross-entropy; `"categorical"` one-hot
	 * `[batch, classes]`; `"binary"` 0 or 1 `[batch, 1]`, for two classes. All are float32, since the sparse loss of
	 * tf.layers does not accept int32. Default `"int"`.
	 */
	labelMode?: "int" | "categorical" | "binary";
	/** The folders' names in the order of the labels. Default: alphanumeric order. */
	classNames?: string[];
	/** Images per batch; the last batch can be smaller. Default 32. */
	batchSize?: number;
	/** Whether to shuffle the files, differently in every epoch. Default true. */
	shuffle?: boolean;
	/** Random seed of the shuffling and the split; required with `validationSplit`. Default: random. */
	seed?: number;
	/** Fraction of the files, above 0 and below 1, for `subset: "validation"`. Default: no split. */
	validationSplit?: number;
	/** The subset to read. Requires `validationSplit`. Default: no split. */
	subset?: "training" | "validation";
	/**
	 * Where labels come from: `"folders"`, or `"journal"` for the folders with the decisions of the data set's `labels.jsonl`,
	 * if there is one, see `openJournal`; images of the data set's `unlabelled` folder that were given a class are part of `train`
	 * then. Default `"journal"`.
	 */
	labels?: "journal" | "folders";
	/** The journal's file. Default: `labels.jsonl` beside the splits, or in a folder without splits. */
	journal?: string;
	/** Whether to follow symbolic links to folders below the class folders, which may be links themselves. Default false. */
	followLinks?: boolean;
	/**
	 * Whether decoded images are cached for further epochs, rounded to integers in 0–255: up to 0.5 from Keras's, which
	 * are fractional after resizing. A number limits the memory of the cache, in bytes; images above it go to a temporary
	 * file. `false` decodes again in each epoch, with exactly Keras's pixels. Default: true, with a quarter of the memory.
	 */
	cache?: boolean | number;
	/** Whether to print the numbers of files and classes. Default true. */
	verbose?: boolean;
}

/** An image file and its label, the index of its class. */
export type LabelledFile = { path: string; label: number };

/** The classes and image files of a directory. */
export interface Index {
	directory: string;
	classNames: string[];
	/** Folder by folder in alphanumeric order, class by class: Keras's order. */
	files: LabelledFile[];
}
