// Active learning: which unlabelled images to label next.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { requirePositiveIntegers } from "../support/numbers";
import type { FeatureMatrix } from "./features";

/**
 * How images are chosen: `"uncertainty"` those with the smallest margin between the two most probable classes (Scheffer et
 * al., 2001), `"diversity"` those that cover the features best, one after another (k-centre greedy; Sener & Savarese, ICLR
 * 2018), `"both"` the diverse ones among the less certain half.
 */
export type LabelNextMethod = "uncertainty" | "diversity" | "both";

/** What is known of the unlabelled images. */
export interface Unlabelled {
	/** Probabilities `[images][classes]`, 0–1; not needed for `"diversity"`. */
	probabilities?: number[][];
	/** A row for each image; not needed for `"uncertainty"`. */
	features?: FeatureMatrix;
	/** Features of the images that have a label already: the new ones are to differ from them too. Default: none. */
	labelled?: FeatureMatrix;
}

/**
 * Chooses the unlabelled images whose labels are likely to help most.
 *
 * @param images number of images to choose; fewer where there are not so many
 * @param options `method`, default `"uncertainty"`
 * @returns their indices, the first choice first
 * @throws when what the method needs is missing, or the numbers of rows differ
 */
export function labelNext(
	{ probabilities, features, labelled }: Unlabelled,
	images: number,
	{ method = "uncertainty" }: { method?: LabelNextMethod } = {},
): number[] {
	requirePositiveIntegers({ images });
	if (!["uncertainty", "diversity", "both"].includes(method))
		throw new Error(`method is ${method}: expected uncertainty, diversity or both`);
	if (method !== "diversity" && !probabilities) throw new Error(`${method} needs probabilities: pass those of predict`);
	if (method !== "uncertainty" && !features) throw new Error(`${method} needs features: pass those of featuresOf`);
	if (probabilities && features && probabilities.length !== features.images)
		throw new Error(`there are ${probabilities.length} rows of probabilities and ${features.images} of features`);
	if (labelled && features && labelled.length !== features.length)
		throw new Error(
			`images have ${features.length} features, labelled ones ${labelled.length}: expected the same network`,
		);
	const uncertain = probabilities ? byMargin(probabilities) : [];
	if (method === "uncertainty") return uncertain.slice(0, images);
	const { images: all } = features as FeatureMatrix;
	const candidates =
		method === "both"
			? uncertain.slice(0, Math.max(images, Math.ceil(all / 2)))
			: Array.from({ length: all }, (_, i) => i);
	return kCentre(features as FeatureMatrix, candidates, labelled, images);
}

/** The images in the order of the margin between the two most probable classes, the smallest first. */
function byMargin(probabilities: number[][]): number[] {
	const margins = probabilities.map((row) => {
		const [first, second = 0] = [...row].sort((a, b) => b - a);
		return first - second;
	});
	return [...margins.keys()].sort((a, b) => margins[a] - margins[b]);
}

/** Labelled images in a block: their distances to 10,000 candidates take 40 MB. */
const BLOCK = 1024;

/** Chooses, one after another, the candidate that is farthest from all that are labelled or chosen; first the first one. */
function kCentre(
	features: FeatureMatrix,
	candidates: number[],
	labelled: FeatureMatrix | undefined,
	images: number,
): number[] {
	const rows = unitRows(features, candidates);
	const distances = candidates.map(() => Number.POSITIVE_INFINITY);
	const cover = (centers: tf.Tensor2D) => {
		const nearest = tf.tidy(() => tf.sub(1, tf.matMul(rows, centers, false, true).max(1)).dataSync<"float32">());
		for (let i = 0; i < distances.length; i++) distances[i] = Math.min(distances[i], nearest[i]);
		centers.dispose();
	};
	const known = Array.from({ length: labelled?.images ?? 0 }, (_, i) => i);
	for (let start = 0; start < known.length; start += BLOCK)
		cover(unitRows(labelled as FeatureMatrix, known.slice(start, start + BLOCK)));
	const chosen: number[] = [];
	while (chosen.length < Math.min(images, candidates.length)) {
		const farthest = distances.indexOf(distances.reduce((a, b) => Math.max(a, b)));
		chosen.push(candidates[farthest]);
		cover(rows.slice([farthest, 0], [1, -1]));
		// A copy of a chosen one is at distance 0 too, and may be chosen at the end; a chosen one may not.
		distances[farthest] = Number.NEGATIVE_INFINITY;
	}
	rows.dispose();
	return chosen;
}

/** Returns rows of length 1, float32 `[rows, features]`; zeros stay zeros. */
function unitRows({ values, length }: FeatureMatrix, indices: number[]): tf.Tensor2D {
	const chosen = new Float32Array(indices.length * length);
	indices.forEach((row, i) => {
		chosen.set(values.subarray(row * length, (row + 1) * length), i * length);
	});
	return tf.tidy(() => {
		const rows = tf.tensor2d(chosen, [indices.length, length]);
		return rows.div<tf.Tensor2D>(rows.norm("euclidean", 1, true).maximum(1e-12));
	});
}
