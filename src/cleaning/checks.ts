// Thresholds and scores of the checks.
import type { ImageProperties } from "../images/properties";
import { quantile } from "../support/statistics";

/**
 * The checks and their thresholds: cleanvision's, and `orientation`, `leakage` and `labelConflict`. An image has an issue when
 * its score, 0 (worst) to 1, is below the threshold.
 */
export const THRESHOLDS = {
	/** Score: the 99th percentile of brightness. */
	dark: 0.32,
	/** Score: 1 − the 5th percentile of brightness. */
	light: 0.05,
	/** Score: the shorter side divided by the longer. */
	oddAspectRatio: 0.35,
	/** Score: a tenth of the histogram's entropy in bits, at most 1. */
	lowInformation: 0.3,
	/** Score: from the standard deviations of the edges and of the grey levels' counts, in a 64 × 64 thumbnail. */
	blurry: 0.29,
	/** Score: the colourfulness. No issue when more than half of the images are grey. */
	grayscale: 0.01,
	/** Score: nearness to the usual size; 0.5 is three interquartile ranges beyond the quartiles. */
	oddSize: 0.5,
	/**
	 * Score: 0 for an EXIF orientation other than 1 (upright). Such images are read as they are stored, as in Keras, unless
	 * `applyOrientation` turns them.
	 */
	orientation: 1,
	/** Score: 1 divided by the number of files with the same bytes. */
	exactDuplicates: 1,
	/** Score: the fraction of the 64 bits of pHash that differ in the most similar other image; 1 without a similar one. */
	nearDuplicates: 0.14,
	/**
	 * Score: the same for images of another split, where the model would be tested on what it was trained on; mirrored and
	 * turned copies included.
	 */
	leakage: 0.14,
	/** Score: the same for images of another class, where one of the two labels is wrong. */
	labelConflict: 0.14,
};
export type Check = keyof typeof THRESHOLDS;

/** An image's properties with its split and class. */
export type Examined = ImageProperties & { split: string; class: string };

/** Returns each image's scores in the checks that need no other image, and in `oddSize`. */
export function scoresOf(images: Examined[]) {
	const decay = (value: number) => 1 - Math.exp(-value / 100);
	return {
		dark: images.map(({ brightness99 }) => brightness99),
		light: images.map(({ brightness5 }) => 1 - brightness5),
		oddAspectRatio: images.map(({ width, height }) => Math.min(width / height, height / width)),
		lowInformation: images.map(({ entropy }) => Math.min(1, entropy / 10)),
		blurry: images.map(({ edges, greyDeviation }) => {
			const contrast = decay(greyDeviation);
			return Math.min(1, decay(edges) + (contrast > 0.18 ? contrast : 0));
		}),
		grayscale: images.map(({ colourfulness }) => colourfulness),
		orientation: images.map(({ orientation }) => (orientation === 1 ? 1 : 0)),
		oddSize: sizeScores(images.map(({ width, height }) => Math.sqrt(width * height))),
	};
}

/** Scores sizes: 1 midway between the quartiles, 0.5 at three interquartile ranges beyond them, as in cleanvision. */
function sizeScores(sizes: number[]): number[] {
	const sorted = Float64Array.from(sizes).sort();
	const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
	const middle = (low + high) / 2;
	const range = 7 * (high - low);
	// Half of the images have the same size: every other size is odd.
	if (range === 0)
		return sizes.map((size) => (size === middle ? 1 : Math.max(0, 0.5 - Math.abs(size / middle - 1) / 2)));
	return sizes.map((size) => 1 - Math.min(1, Math.abs(size - middle) / range));
}
