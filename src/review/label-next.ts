// Active learning: which unlabelled images to label next.
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
 * @param options `method`, default `"both"`
 * @returns their indices, the first choice first
 * @throws when what the method needs is missing, or the numbers of rows differ
 */
export function labelNext(
	{ probabilities, features, labelled }: Unlabelled,
	images: number,
	{ method = "both" }: { method?: LabelNextMethod } = {},
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

/** Chooses, one after another, the candidate that is farthest from all that are labelled or chosen; first the first one. */
function kCentre(
	features: FeatureMatrix,
	candidates: number[],
	labelled: FeatureMatrix | undefined,
	images: number,
): number[] {
	const rows = candidates.map((i) => unitRow(features, i));
	const distances = rows.map(() => Number.POSITIVE_INFINITY);
	const cover = (center: Float32Array) => {
		for (let i = 0; i < rows.length; i++) distances[i] = Math.min(distances[i], cosineDistance(rows[i], center));
	};
	for (let i = 0; i < (labelled?.images ?? 0); i++) cover(unitRow(labelled as FeatureMatrix, i));
	const chosen: number[] = [];
	while (chosen.length < Math.min(images, candidates.length)) {
		const farthest = distances.indexOf(distances.reduce((a, b) => Math.max(a, b)));
		chosen.push(candidates[farthest]);
		cover(rows[farthest]);
		// A copy of a chosen one is at distance 0 too, and may be chosen at the end; a chosen one may not.
		distances[farthest] = Number.NEGATIVE_INFINITY;
	}
	return chosen;
}

function unitRow({ values, length }: FeatureMatrix, i: number): Float32Array {
	const row = values.slice(i * length, (i + 1) * length);
	const norm = Math.hypot(...row) || 1;
	return row.map((value) => value / norm);
}

function cosineDistance(a: Float32Array, b: Float32Array): number {
	let product = 0;
	for (let i = 0; i < a.length; i++) product += a[i] * b[i];
	return Math.max(0, 1 - product);
}
