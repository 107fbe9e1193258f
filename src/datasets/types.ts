// Batches, image datasets and the options of the loaders.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { ReadOptions } from "../images/decode";
import type { Counter } from "../tensorflow/random";
import type { Prepare } from "../tensorflow/steps";

/**
 * One batch: `xs` is float32 `[batch, height, width, channels]` in 0–255, `ys` the labels (see `labelMode`). Training
 * multiplies the loss of each sample by `sampleWeights`, float32 `[batch]`, if there are any.
 */
export type Batch = { xs: tf.Tensor4D; ys: tf.Tensor; sampleWeights?: tf.Tensor };

/**
 * Batches as they are read, and what makes images of them: training does that in its graph.
 *
 * With a cache `xs` are the bytes of the images, four to an int32: `[batch, bytes / 4]`.
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

export interface ImageDatasetOptions extends ReadOptions {
	/**
	 * The labels' form: `"int"` whole numbers `[batch]`, for sparse categorical cross-entropy; `"categorical"` one-hot
	 * `[batch, classes]`; `"binary"` 0 and 1 `[batch, 1]`, for two classes. All are float32, since the sparse loss of
	 * tf.layers takes no int32. Default `"int"`.
	 */
	labelMode?: "int" | "categorical" | "binary";
	/** The classes in the order wanted, the folders' names. Default: alphanumeric order. */
	classNames?: string[];
	/** Images per batch; the last batch holds what is left. Default 32. */
	batchSize?: number;
	/** Whether the order changes from epoch to epoch. Default true. */
	shuffle?: boolean;
	/** Makes the shuffling and the split repeatable. Default: another order each time. */
	seed?: number;
	/** The share of the files, above 0 and below 1, that `subset: "validation"` gets. Default: no split. */
	validationSplit?: number;
	/** Which side of the split this dataset is. Needs `validationSplit`. */
	subset?: "training" | "validation";
	/** Whether to go into folders that are symbolic links. Default false. */
	followLinks?: boolean;
	/**
	 * Whether decoded images are kept for further epochs, as whole numbers of 0–255: up to 0.5 from Keras's, which
	 * are fractions after resizing. A number limits the memory for that, in bytes; what is above goes to a temporary
	 * file. `false` decodes anew in each epoch, and images are exactly Keras's. Default: a quarter of the memory.
	 */
	cache?: boolean | number;
	/** Whether to print how many files of how many classes were found. Default true. */
	verbose?: boolean;
}

/** An image and its class, as an index. */
export type LabelledFile = { path: string; label: number };
