// Yields shuffled batches, decoding ahead and caching.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { type Pixels, readImages } from "../images/decode";
import { type DecodeOptions, packedLength } from "../images/decode-graph";
import { shuffled } from "../support/iteration";
import type { Counter } from "../tensorflow/random";
import { imageCache } from "./image-cache";
import type { Batch, BatchSource, LabelledFile } from "./types";

/** In which order files are read. */
interface Order {
	batchSize: number;
	shuffle: boolean;
	seed: number;
	/** The number of epochs begun, on which each epoch's order depends. */
	epochs: Counter;
}

/**
 * Returns a function that reads the files once, in batches, and caches what it decoded if pixels are packed.
 *
 * @param cacheLimit in bytes, see `imageCache`
 * @param toLabels makes the tensor of a batch's labels
 */
export function readBatches(
	files: LabelledFile[],
	decoding: DecodeOptions,
	cacheLimit: number | undefined,
	{ batchSize, shuffle, seed, epochs }: Order,
	toLabels: (labels: number[]) => tf.Tensor,
) {
	const cache = imageCache(packedLength(decoding), cacheLimit);
	const indices = files.map((_, i) => i);
	return async function* (): AsyncGenerator<Batch> {
		const order = shuffle ? shuffled(indices, `${seed}/${epochs.count++}`) : indices;
		const missing = new Set(order.filter((i) => !cache.has(i)));
		const reader = readImages(
			[...missing].map((i) => files[i].path),
			decoding,
		);
		try {
			for (let start = 0; start < order.length; start += batchSize) {
				const batch = order.slice(start, start + batchSize);
				const images: Pixels[] = [];
				for (const i of batch) {
					const pixels = missing.has(i) ? await reader.next() : cache.get(i);
					if (missing.has(i) && pixels instanceof Int32Array) cache.set(i, pixels);
					images.push(pixels);
				}
				const labels = batch.map((i) => files[i].label);
				yield { xs: toBatch(images, decoding), ys: tf.tidy(() => toLabels(labels)) };
			}
		} finally {
			reader.stop();
		}
	};
}

function toBatch(images: Pixels[], { imageSize, channels, packed }: DecodeOptions): tf.Tensor4D {
	const { length } = images[0];
	const values = packed ? new Int32Array(images.length * length) : new Float32Array(images.length * length);
	images.forEach((image, i) => {
		values.set(image, i * length);
	});
	// Packed batches have two dimensions; `prepare` makes four of them.
	const shape = packed ? [images.length, length] : [images.length, ...imageSize, channels];
	return tf.tensor(values, shape as [number, number], packed ? "int32" : "float32") as unknown as tf.Tensor4D;
}

export async function* preparedBatches({ batches, prepare }: BatchSource): AsyncGenerator<Batch> {
	for await (const { xs, ys } of batches()) {
		const images = tf.tidy(() => prepare(xs)) as tf.Tensor4D;
		if (images !== xs) xs.dispose();
		yield { xs: images, ys };
	}
}

/** Returns labels as a tensor, in the form that `labelMode` names. */
export function toLabels(labels: number[], mode: "int" | "categorical" | "binary", classes: number): tf.Tensor {
	if (mode === "int") return tf.tensor1d(labels);
	if (mode === "binary") return tf.tensor2d(labels, [labels.length, 1]);
	return tf.oneHot(tf.tensor1d(labels, "int32"), classes).toFloat();
}
