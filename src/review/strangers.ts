// Strangers: images unlike those that a network was trained on, found by out-of-distribution detection.
import { conformalQuantile } from "../metrics/conformal";
import type { FeatureMatrix } from "./features";
import { nearestNeighbours, outlierScores } from "./neighbours";

export interface StrangerOptions {
	/** Rate at which usual images are called strangers, above 0 and below 1. Default 0.05. */
	falseAlarmRate?: number;
	/** Number of nearest training images that count; all where there are fewer. Default 10. */
	k?: number;
}

/** What `fitStrangers` finds. */
export interface StrangerDetector extends Required<StrangerOptions> {
	/** Features of the training images. */
	train: FeatureMatrix;
	/** Greatest score of a usual image; `Infinity` where there are too few validation images for the rate: none is a stranger. */
	threshold: number;
}

/** How strange an image is. */
export interface StrangerScore {
	/** Mean cosine distance to the nearest training images, 0 to 2: the higher, the stranger. */
	score: number;
	/** The detector's. */
	threshold: number;
	/** Whether the score is above the threshold. */
	isStranger: boolean;
	/** Indices of the nearest training images, the nearest first. */
	nearest: number[];
}

/** Distances that differ by less are equal but for the rounding of float32. */
const ROUNDING = 1e-6;

/**
 * Fits a detector of strangers (out-of-distribution detection) by deep nearest neighbours (Sun et al., ICML 2022). The score
 * is the mean cosine distance to the k nearest training images, as in cleanlab (Kuan & Mueller, ICML workshop 2022); the
 * paper takes the distance to the k-th. The threshold is the conformal quantile of the scores of validation images: of
 * images like them at most `falseAlarmRate` are called strangers, on average over validation sets, whatever the features.
 *
 * A rate of 0.05 needs 19 validation images or more, 0.01 needs 99: with fewer no image is a stranger.
 *
 * @param train features of the training images, best of a pretrained network: a small one that was trained on a few classes
 *   sees little else
 * @param validation features of images that are neither training images nor copies of them
 * @throws when there are no training images, features are no numbers or of two networks, or an option is out of its range
 */
export async function fitStrangers(
	train: FeatureMatrix,
	validation: FeatureMatrix,
	{ falseAlarmRate = 0.05, k = 10 }: StrangerOptions = {},
): Promise<StrangerDetector> {
	if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
		throw new Error(`falseAlarmRate is ${falseAlarmRate}: expected a number above 0 and below 1, for example 0.05`);
	if (train.images === 0) throw new Error("there are 0 training images: pass the features of at least one");
	const scores = outlierScores(await nearestNeighbours(validation, k, { among: train }), { k });
	return { train, k, falseAlarmRate, threshold: conformalQuantile(scores, 1 - falseAlarmRate) };
}

/**
 * Finds the strangers among images: those farther from the training images than usual.
 *
 * @param features of the images, by the network that the detector was fitted for
 * @returns one entry for each image
 * @throws when features are no numbers or of another network
 */
export async function detectStrangers(
	features: FeatureMatrix,
	{ train, k, threshold }: StrangerDetector,
): Promise<StrangerScore[]> {
	const neighbours = await nearestNeighbours(features, k, { among: train });
	return outlierScores(neighbours, { k }).map((score, i) => ({
		...{ score, threshold },
		isStranger: score > threshold + ROUNDING,
		nearest: neighbours.indices[i],
	}));
}

/**
 * Computes how strange images are by the baseline, 1 minus the maximum softmax probability (Hendrycks & Gimpel, ICLR 2017).
 *
 * @param probabilities `[images][classes]`, 0–1
 * @returns 0 to 1, the higher the stranger
 */
export function maximumSoftmaxScores(probabilities: ArrayLike<ArrayLike<number>>): number[] {
	return Array.from(probabilities, (row) => 1 - Math.max(...Array.from(row)));
}
