// What a threshold gives: confusion matrix, cost, precision and recall, at any costs and any prior of the positive class.
import { fitTemperature, withTemperature } from "../../../src/metrics";
import type { Evidence } from "../../../src/pipeline/decoded-predictions";
import { mean, sum } from "../../../src/support/statistics";

/** What a person chooses; a type, since its fields are looked up by name. */
export type Choice = {
	/** An image is called positive from this probability on, 0–1. */
	threshold: number;
	/** Cost of a missed positive image. */
	falseNegative: number;
	/** Cost of a false alarm. */
	falsePositive: number;
	/** Fraction of the images that are positive where the model is used, 0–1. */
	prior: number;
};

/** Images with the probability that each is positive, and how much each counts. */
export interface Scored {
	isPositive: boolean[];
	probabilities: number[];
	/** Their mean is 1. */
	weights: number[];
}

/** Returns the validation and the test images, with the probabilities after temperature scaling. */
export function scoredOf({ valid, test, positiveClass }: Evidence): [valid: Scored, test: Scored] {
	const temperature = fitTemperature(valid.yTrue, valid.logProbabilities);
	const scored = ({ yTrue, logProbabilities }: Evidence["test"]): Scored => ({
		isPositive: yTrue.map((label) => label === positiveClass),
		probabilities: withTemperature(logProbabilities, temperature).map((row) => row[positiveClass]),
		weights: yTrue.map(() => 1),
	});
	return [scored(valid), scored(test)];
}

/** Fraction of the images that are positive. */
export const priorOf = ({ isPositive }: Scored): number => mean(isPositive.map(Number));

/**
 * Returns images as they would be where positive ones are `ratio` times as frequent, seen from the odds: each counts
 * accordingly, and the probabilities follow Bayes' theorem (Elkan, 2001, theorem 2).
 */
export function withOdds({ isPositive, probabilities }: Scored, ratio: number): Scored {
	const raw = isPositive.map((positive) => (positive ? ratio : 1));
	const average = mean(raw);
	return {
		isPositive,
		probabilities: probabilities.map((p) => (p * ratio) / (p * ratio + 1 - p)),
		weights: raw.map((weight) => weight / average),
	};
}

/** Returns the ratio of the odds of two priors; 1 where one of them has no odds. */
export function oddsRatio(prior: number, before: number): number {
	const ratio = (prior * (1 - before)) / ((1 - prior) * before);
	return Number.isFinite(ratio) && ratio > 0 ? ratio : 1;
}

/** Computes what a threshold gives. Counts are weighted; what has nothing to be a fraction of is 0, as in scikit-learn. */
export function outcomeOf({ isPositive, probabilities, weights }: Scored, choice: Omit<Choice, "prior">) {
	const counts = { truePositive: 0, falseNegative: 0, falsePositive: 0, trueNegative: 0 };
	for (let i = 0; i < weights.length; i++) {
		const isCalled = probabilities[i] >= choice.threshold;
		const kind = isPositive[i]
			? isCalled
				? "truePositive"
				: "falseNegative"
			: isCalled
				? "falsePositive"
				: "trueNegative";
		counts[kind] += weights[i];
	}
	const { truePositive, falseNegative, falsePositive, trueNegative } = counts;
	const fraction = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
	return {
		...counts,
		cost: (choice.falseNegative * falseNegative + choice.falsePositive * falsePositive) / sum(weights),
		precision: fraction(truePositive, truePositive + falsePositive),
		recall: fraction(truePositive, truePositive + falseNegative),
		specificity: fraction(trueNegative, trueNegative + falsePositive),
		F1: fraction(2 * truePositive, 2 * truePositive + falsePositive + falseNegative),
		accuracy: fraction(truePositive + trueNegative, sum(weights)),
	};
}

/** The index of the highest of the thresholds, which are hundredths, that a probability reaches. */
function highestBelow(thresholds: number[], p: number): number {
	const near = Math.round(100 * p);
	return thresholds[near] <= p ? near : near - 1;
}

/** Computes the mean cost at thresholds from 0 to 1, and the one that costs least, of equal ones that in the middle. */
export function costCurve(images: Scored, costs: Pick<Choice, "falseNegative" | "falsePositive">) {
	const x = Array.from({ length: 101 }, (_, i) => i / 100);
	const total = sum(images.weights);
	// What calling an image positive changes: its cost becomes that of a false alarm, or a missed image is none.
	const gains = x.map(() => 0);
	images.probabilities.forEach((p, i) => {
		gains[highestBelow(x, p)] +=
			images.weights[i] * (images.isPositive[i] ? -costs.falseNegative : costs.falsePositive);
	});
	let cost = sum(images.weights.map((weight, i) => (images.isPositive[i] ? weight * costs.falseNegative : 0)));
	const y = x
		.toReversed()
		.map((_, i) => {
			cost += gains[x.length - 1 - i];
			return cost / total;
		})
		.reverse();
	const least = Math.min(...y);
	const ties = x.filter((_, i) => y[i] === least);
	return { x, y, best: ties[Math.floor(ties.length / 2)] };
}
