// Thresholds and scores of the eleven checks.
import type { ImageProperties } from "../images/properties";
import { quantile } from "../support/statistics";

/**
 * The checks, in cleanvision's words, and two more. An image is an issue if its score, 0 (worst) to 1, is below the
 * threshold.
 */
export const THRESHOLDS = {
	/** The brightness that 99 of 100 pixels are below. */
	dark: 0.32,
	/** 1 − the brightness that 5 of 100 pixels are below. */
	light: 0.05,
	/** The shorter side divided by the longer. */
	oddAspectRatio: 0.35,
	/** A tenth of the entropy of the histogram, in bits. */
	lowInformation: 0.3,
	/** From the deviation of the edges and of the histogram, in 64 pixels. */
	blurry: 0.29,
	/** How far apart the channels of a pixel are. No issue where half of the images are grey. */
	grayscale: 0.01,
	/** How near the size is to that of the middle half of all images: 0.5 is three times the middle half's width away. */
	oddSize: 0.5,
	/** 1 divided by how many files have the same bytes. */
	exactDuplicates: 1,
	/** The share of the 64 bits of pHash that differ in the most similar other image; 1: there is none below the threshold. */
	nearDuplicates: 0.14,
	/** The same for images in another split: what the model is tested on, it has seen. */
	leakage: 0.14,
	/** The same for images of another class: one of the two labels is wrong. */
	labelConflict: 0.14,
};
export type Check = keyof typeof THRESHOLDS;

/** An image with its place in the data set. */
export type Examined = ImageProperties & { split: string; class: string };

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
		oddSize: sizeScores(images.map(({ width, height }) => Math.sqrt(width * height))),
	};
}

/** 1 in the middle of the usual sizes, 0.5 at their ends: three times the width of the middle half beyond it. */
function sizeScores(sizes: number[]): number[] {
	const sorted = Float64Array.from(sizes).sort();
	const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
	const middle = (low + high) / 2;
	const width = 7 * (high - low);
	// If half of the images have one size, each other is odd.
	if (width === 0)
		return sizes.map((size) => (size === middle ? 1 : Math.max(0, 0.5 - Math.abs(size / middle - 1) / 2)));
	return sizes.map((size) => 1 - Math.min(1, Math.abs(size - middle) / width));
}
