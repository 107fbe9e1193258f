// Yields shuffled batches, decoding ahead and caching.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { type Pixels, readImages } from "../images/decode";
import { type DecodeOptions, packedLength } from "../images/decode-graph";
import { shuffled } from "../support/iteration";
import type { Counter } from "../tensorflow/random";
import { imageCache } from "./image-cache";
import type { Batch, BatchSource, FileBatches } from "./types";

/** Batch size and order of the files. */
interface Order {
	batchSize: number;
	shuffle: boolean;
	seed: number;
	/** The number of epochs begun: each is shuffled differently. */
	epochs: Counter;
}

/** Returns the function that begins an epoch, see `FileBatches`. */
export function epochsOf(files: number, { batchSize, shuffle, seed, epochs }: Order): () => number[][] {
	const indices = Array.from({ length: files }, (_, i) => i);
	return () => {
		const order = shuffle ? shuffled(indices, `${seed}/${epochs.count++}`) : indices;
		return Array.from({ length: Math.ceil(files / batchSize) }, (_, i) =>
			order.slice(i * batchSize, (i + 1) * batchSize),
		);
	};
}

/**
 * Returns a generator function: each call yields the batches of one epoch. Images are decoded ahead and, if pixels are
 * packed, cached for the next epochs.
 *
 * @param cacheLimit memory for the cache in bytes, see `imageCache`
 */
export function readBatches(
	paths: string[],
	{ decoding, nextEpoch, labelsOf }: FileBatches,
	cacheLimit: number | undefined,
) {
	const cache = imageCache(packedLength(decoding), cacheLimit);
	return async function* (): AsyncGenerator<Batch> {
		const epoch = nextEpoch();
		const missing = new Set(epoch.flat().filter((i) => !cache.has(i)));
		const reader = readImages(
			[...missing].map((i) => paths[i]),
			decoding,
		);
		try {
			for (const batch of epoch) {
				const images: Pixels[] = [];
				for (const i of batch) {
					const pixels = missing.has(i) ? await reader.next() : cache.get(i);
					if (missing.has(i) && pixels instanceof Int32Array) cache.set(i, pixels);
					images.push(pixels);
				}
				yield { xs: toBatch(images, decoding), ys: tf.tidy(() => labelsOf(batch)) };
			}
		} finally {
			reader.stop();
		}
	};
}

/** Returns images as a batch: the input of `unpack`. */
export function toBatch(images: Pixels[], { imageSize, channels, packed }: DecodeOptions): tf.Tensor4D {
	const { length } = images[0];
	const values = packed ? new Int32Array(images.length * length) : new Float32Array(images.length * length);
	images.forEach((image, i) => {
		values.set(image, i * length);
	});
	// A packed batch is `[batch, bytes / 4]`; `prepare` unpacks it to four dimensions.
	const shape = packed ? [images.length, length] : [images.length, ...imageSize, channels];
	return tf.tensor(values, shape as [number, number], packed ? "int32" : "float32") as unknown as tf.Tensor4D;
}

/** Yields the batches of one epoch as images. The labels are unchanged. */
export async function* preparedBatches({ batches, prepare }: BatchSource): AsyncGenerator<Batch> {
	for await (const { xs, ys } of batches()) {
		const images = tf.tidy(() => prepare(xs)) as tf.Tensor4D;
		if (images !== xs) xs.dispose();
		yield { xs: images, ys };
	}
}

/**
 * Returns labels as a float32 tensor, see `labelMode`.
 *
 * @param classes the number of classes
 */
export function toLabels(labels: number[], mode: "int" | "categorical" | "binary", classes: number): tf.Tensor {
	if (mode === "int") return tf.tensor1d(labels);
	if (mode === "binary") return tf.tensor2d(labels, [labels.length, 1]);
	return tf.oneHot(tf.tensor1d(labels, "int32"), classes).toFloat();
}
