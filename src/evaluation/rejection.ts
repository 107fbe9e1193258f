// Abstention: how accurate a model is on the images that it is sure of.
import { proportionConfint } from "../metrics/proportion";

/** A point of the accuracy–rejection curve. */
export interface RejectionPoint {
	/** Least confidence of an image that is answered. */
	threshold: number;
	/** Fraction of the images that are answered, 0–1. */
	answered: number;
	/** Fraction of right answers, 0–1, with Wilson's 95 % interval. */
	accuracy: number;
	low: number;
	high: number;
}

/**
 * Computes the accuracy–rejection curve (Nadeem et al., 2009; risk and coverage of selective classification, El-Yaniv &
 * Wiener, 2010): the accuracy on the images whose confidence reaches a threshold, for each threshold that makes a difference.
 *
 * @param isRight whether the prediction of each image is right
 * @param confidence confidence of each prediction, such as the probability of the predicted class
 * @returns the points from all images to the most confident ones
 * @throws when the lengths differ, or there are no images
 */
export function rejectionCurve(isRight: ArrayLike<boolean | number>, confidence: ArrayLike<number>): RejectionPoint[] {
	const images = isRight.length;
	if (images === 0 || images !== confidence.length)
		throw new Error(
			`there are ${images} predictions and ${confidence.length} confidences: expected one for each, and some`,
		);
	const order = Array.from({ length: images }, (_, i) => i).sort((a, b) => confidence[b] - confidence[a]);
	const points: RejectionPoint[] = [];
	let hits = 0;
	order.forEach((image, i) => {
		hits += Number(isRight[image]);
		const threshold = confidence[image];
		if (i + 1 < images && confidence[order[i + 1]] === threshold) return;
		points.push({
			threshold,
			answered: (i + 1) / images,
			accuracy: hits / (i + 1),
			...proportionConfint(hits, i + 1),
		});
	});
	return points.reverse();
}

/**
 * Returns the point at which most images are answered and the upper bound of the error rate stays within a limit, so that
 * not the luck of these images chose it; null if there is none.
 *
 * @param curve of validation images
 * @param errorRate greatest fraction of wrong answers, above 0 and below 1
 */
export function pointForErrorRate(curve: RejectionPoint[], errorRate: number): RejectionPoint | null {
	if (!(errorRate > 0 && errorRate < 1))
		throw new Error(`errorRate is ${errorRate}: expected a number above 0 and below 1, for example 0.01`);
	return curve.find(({ low }) => 1 - low <= errorRate) ?? null;
}

/** What decisions cost. */
export interface DecisionCosts {
	/** Cost `[true class][decided class]`. Default: 0 on the diagonal, 1 elsewhere. */
	costs?: number[][];
	/** Cost of a rejection: an image that is left to a person. Default: Infinity, none is rejected. */
	rejection?: number;
}

/**
 * Decides each image at the lowest expected cost, or rejects it where that costs less: Chow's rule (1970). With costs of 1 for
 * each mistake, it rejects the images whose most probable class has a probability below 1 minus the cost of a rejection.
 *
 * @param yProba calibrated probabilities `[images][classes]`, 0–1
 * @returns the decided class of each image; null where it is rejected
 * @throws when the costs are not a number for each pair of classes
 */
export function leastCostDecisions(
	yProba: ArrayLike<ArrayLike<number>>,
	{ costs, rejection = Number.POSITIVE_INFINITY }: DecisionCosts = {},
): (number | null)[] {
	return Array.from(yProba, (row) => {
		const classes = Array.from(row, (_, label) => label);
		const costOf = (truth: number, decided: number) => costs?.[truth]?.[decided] ?? Number(truth !== decided);
		if (costs && !(costs.length === classes.length && costs.every(({ length }) => length === classes.length)))
			throw new Error(
				`costs has ${costs.length} rows: expected ${classes.length}, with ${classes.length} numbers each`,
			);
		const expected = classes.map((decided) =>
			classes.reduce((sum, truth) => sum + row[truth] * costOf(truth, decided), 0),
		);
		const least = Math.min(...expected);
		return least <= rejection ? expected.indexOf(least) : null;
	});
}

/**
 * Computes what decisions cost, image by image.
 *
 * @param yTrue true label of each image
 * @param decisions of `leastCostDecisions`, or any; null for a rejection
 */
export function costsOf(
	yTrue: ArrayLike<number>,
	decisions: (number | null)[],
	{ costs, rejection = Number.POSITIVE_INFINITY }: DecisionCosts = {},
): number[] {
	return decisions.map((decided, i) => {
		if (decided === null) return rejection;
		return costs?.[yTrue[i]][decided] ?? Number(yTrue[i] !== decided);
	});
}
