// Nearest neighbours of images by their features, and how strange an image is.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { checkInterrupt } from "../support/kernel";
import { requirePositiveIntegers } from "../support/numbers";
import { mean } from "../support/statistics";
import type { FeatureMatrix } from "./features";

/** The nearest neighbours of each image, the nearest first; of equally near ones the one of the smaller index. */
export interface Neighbours {
	/** Indices `[images][neighbours]`. */
	indices: number[][];
	/** Cosine similarities, −1 to 1; 0 where the features of one are all 0. */
	similarities: number[][];
}

/** Images in a block: a block of similarities takes 16 MB. */
const BLOCK = 2048;

/**
 * Finds the nearest neighbours of each image by cosine similarity, exactly:
 * `sklearn.neighbors.NearestNeighbors(metric="cosine").kneighbors()`. Computes block by block, so that memory does not grow
 * with the square of the images.
 *
 * @param k number of neighbours; less where there are not so many other images. Default 10
 * @param options `among`: features of the images that are the neighbours, default those of the images themselves, each without
 *   itself; `block`: images in a block, default 2048
 * @throws when a feature is not a number, or the rows of `among` have another length
 */
export async function nearestNeighbours(
	features: FeatureMatrix,
	k = 10,
	{ among = features, block = BLOCK }: { among?: FeatureMatrix; block?: number } = {},
): Promise<Neighbours> {
	requirePositiveIntegers({ k, block });
	if (among.length !== features.length)
		throw new Error(
			`images have ${features.length} features, those among them ${among.length}: expected the same network`,
		);
	const { images } = features;
	const isOwn = among === features;
	const inverse = inverseNorms(features);
	const inverseAmong = isOwn ? inverse : inverseNorms(among);
	const indices: number[][] = Array.from({ length: images }, () => []);
	const similarities: number[][] = Array.from({ length: images }, () => []);
	const most = Math.min(k, isOwn ? images - 1 : among.images);
	for (let row = 0; row < images && most > 0; row += block) {
		await checkInterrupt();
		const queries = blockOf(features, inverse, row, block);
		for (let column = 0; column < among.images; column += block) {
			const isDiagonal = isOwn && row === column;
			const found = nearestInBlock(queries, among, inverseAmong, { isDiagonal, column, block, most });
			for (let i = 0; i < queries.shape[0]; i++) {
				const slice = <T extends { slice(start: number, end: number): T }>(values: T) =>
					values.slice(i * found.count, (i + 1) * found.count);
				const candidates = [...slice(found.indices)].map((index) => column + index);
				merge(indices[row + i], similarities[row + i], candidates, slice(found.values), {
					own: isOwn ? row + i : -1,
					most,
				});
			}
		}
		queries.dispose();
	}
	return { indices, similarities };
}

/** Returns 1 divided by the length of each row; 0 for a row of zeros. */
function inverseNorms({ values, images, length }: FeatureMatrix): Float32Array {
	return Float32Array.from({ length: images }, (_, i) => {
		let squares = 0;
		for (let j = i * length; j < (i + 1) * length; j++) squares += values[j] ** 2;
		if (!Number.isFinite(squares)) throw new Error(`the features of image ${i} are not all numbers`);
		return squares > 0 ? 1 / Math.sqrt(squares) : 0;
	});
}

/** Returns rows of length 1, float32 `[rows, features]`. */
function blockOf({ values, images, length }: FeatureMatrix, inverse: Float32Array, start: number, block: number) {
	const end = Math.min(images, start + block);
	return tf.tidy(() => {
		const rows = tf.tensor2d(values.subarray(start * length, end * length), [end - start, length]);
		return rows.mul<tf.Tensor2D>(tf.tensor2d(inverse.subarray(start, end), [end - start, 1]));
	});
}

/** Finds the most similar rows of a block for each query, as indices into the block. */
function nearestInBlock(
	queries: tf.Tensor2D,
	features: FeatureMatrix,
	inverse: Float32Array,
	{ isDiagonal, column, block, most }: { isDiagonal: boolean; column: number; block: number; most: number },
) {
	return tf.tidy(() => {
		const others = isDiagonal ? queries : blockOf(features, inverse, column, block);
		const products = tf.matMul(queries, others, false, true);
		// No image is its own neighbour.
		const similarity = isDiagonal ? products.sub(tf.eye(queries.shape[0]).mul(4)) : products;
		const count = Math.min(most, others.shape[0]);
		const { values, indices } = tf.topk(similarity, count);
		return { values: values.dataSync<"float32">(), indices: indices.dataSync<"int32">() as Int32Array, count };
	});
}

/** Merges a descending list into another, of which the `most` greatest stay; of equal ones those that are there. */
function merge(
	indices: number[],
	similarities: number[],
	candidates: number[],
	values: Float32Array,
	{ own, most }: { own: number; most: number },
): void {
	const [known, scores] = [[...indices], [...similarities]];
	[indices.length, similarities.length] = [0, 0];
	for (let a = 0, b = 0; indices.length < most && (a < known.length || b < candidates.length); ) {
		if (a < known.length && !(values[b] > scores[a])) {
			indices.push(known[a]);
			similarities.push(scores[a++]);
		} else {
			if (candidates[b] !== own) {
				indices.push(candidates[b]);
				similarities.push(Math.max(-1, Math.min(1, values[b])));
			}
			b++;
		}
	}
}

/**
 * Computes how strange each image is: its mean cosine distance to its nearest neighbours, by which `cleanlab.outlier.OutOfDistribution`
 * ranks features (Kuan & Mueller, ICML workshop 2022).
 *
 * @param neighbours see `nearestNeighbours`
 * @param options `k`: number of neighbours that count, default 10
 * With the neighbours of new images among those of training it is how strange they are to the network (Sun et al., ICML 2022).
 *
 * @returns 0 to 2, the higher the stranger; 0 for the only image
 */
export function outlierScores({ similarities }: Neighbours, { k = 10 }: { k?: number } = {}): number[] {
	requirePositiveIntegers({ k });
	return similarities.map((row) => (row.length > 0 ? Math.max(0, 1 - mean(row.slice(0, k))) : 0));
}
