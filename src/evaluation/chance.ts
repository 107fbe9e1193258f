// Whether a model has learned anything.
import { accuracyScore, matthewsCorrcoef } from "../metrics/confusion";
import { percent } from "../support/format";
import { groupBy } from "../support/iteration";
import type { Predictions } from "./evaluate";

/** Returns the accuracy of always predicting the most frequent label: scikit-learn's `DummyClassifier("most_frequent")`. */
export function majorityScore(yTrue: ArrayLike<number>): number {
	const classes = groupBy(Array.from(yTrue), (label) => label);
	return Math.max(...classes.map(({ length }) => length)) / yTrue.length;
}

/**
 * Returns a warning when predictions are related to the labels no more than chance explains: then the model has learned
 * nothing, and comparisons of its scores mean nothing.
 *
 * The relation is the Matthews correlation r of n images, at the level of 95 %: r·√n below 1.96, which is the
 * chi-squared test of independence of the confusion matrix of two classes.
 *
 * @returns a sentence with the accuracy, the majority baseline and what to do, or null when something was learned. Where
 * predictions contradict the labels, as when the folders of two classes are exchanged, it says that instead.
 */
export function chanceWarning({ yTrue, yPred }: Pick<Predictions, "yTrue" | "yPred">): string | null {
	const correlation = matthewsCorrcoef(yTrue, yPred);
	const deviations = correlation * Math.sqrt(yTrue.length);
	if (deviations >= 1.96) return null;
	const [accuracy, majority] = [accuracyScore(yTrue, yPred), majorityScore(yTrue)].map(percent);
	const scores = `accuracy is ${accuracy}, always predicting the most frequent class gives ${majority}`;
	const related = `(Matthews correlation ${correlation.toFixed(2)}, ${yTrue.length} images)`;
	if (deviations <= -1.96)
		return (
			`The predictions are wrong more often than chance explains: ${scores} ${related}. ` +
			"Two classes may be exchanged here: compare the images and folders with those of training."
		);
	return (
		`Nothing was learned: ${scores}, and predictions are related to the labels no more than chance explains ${related}. ` +
		"More epochs, more images or a pretrained backbone come before any comparison."
	);
}
