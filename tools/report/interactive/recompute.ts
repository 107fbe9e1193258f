// Computes the figures of the evaluation notebook again, from its predictions: in a browser, without the notebook's code.
import { type Claim, claim, claimRow } from "../../../src/display/claims";
import { confusionMatrixFigure } from "../../../src/display/figures";
import { chanceWarning, majorityScore } from "../../../src/evaluation/chance";
import { accuracyBySlice } from "../../../src/evaluation/slices";
import * as metrics from "../../../src/metrics";
import type { Evidence } from "../../../src/pipeline/decoded-predictions";
import { percent, points } from "../../../src/support/format";
import { mean } from "../../../src/support/statistics";
import { printable } from "../../../src/support/text";
import { calibrationParts } from "./calibration";
import { costParts } from "./costs";
import { curveParts } from "./curves";
import { figure, type Part, table, text } from "./parts";

/** A score of a resample of the test images. */
export type Resampled = (score: (indices: Uint32Array) => number) => metrics.Interval;

/** What several parts need. */
export interface Context extends Evidence {
	resampled: Resampled;
	/** 1 for each image whose class was predicted, else 0. */
	isCorrect: number[];
	confidences: number[];
	losses: number[];
	accuracy: number;
	/** Why nothing can be said of mistakes, or of correct predictions; false if it can. */
	oneSided: string | false;
}

/** Computes the parts of the page one after the other, in its order. */
export function* recompute(evidence: Evidence): Generator<Part> {
	const context = contextOf(evidence);
	const { classNames, test } = evidence;
	const { yTrue, yPred } = test;
	const warning = chanceWarning(test);
	const reason = warning && "it is no better than chance";
	const scores = yield* scoreParts(context, warning);
	const sets = yield* setParts(context);
	yield* matrixParts(context);
	const { mistakes, confidenceTells } = yield* imageParts(context, reason);
	const { hard, noneIsHarder, mapsAreLearned } = yield* sliceParts(context, reason);
	const labels = classNames.map((_, label) => label);
	const report = metrics.classificationReportRows(yTrue, yPred, { labels, targetNames: classNames });
	yield text(metrics.classificationReport(yTrue, yPred, { labels, targetNames: classNames }));
	yield table(report);
	yield table([
		{ score: "Matthews correlation", value: metrics.matthewsCorrcoef(yTrue, yPred) },
		{ score: "Cohen's kappa", value: metrics.cohenKappaScore(yTrue, yPred) },
	]);
	const rankingHelps = yield* curveParts(context);
	const { scaled, validScaled, errors, isOverconfident, scalingHelps } = yield* calibrationParts(context);
	const costs = yield* costParts(context, { scaled, validScaled });
	const claims: Claim[] = [
		...[scores.beatsMajority, rankingHelps, ...sets.claims, confidenceTells, mapsAreLearned],
		...[noneIsHarder, isOverconfident, scalingHelps, ...costs.claims],
	];
	const sizes = { validation: evidence.valid, test };
	yield table(Object.entries(sizes).map(([set, { yTrue }]) => ({ set, "images recorded": yTrue.length })));
	yield table(claims.map(claimRow));
	const weakest = report.slice(0, classNames.length).reduce((a, b) => (b.recall < a.recall ? b : a));
	const hits = Math.round(weakest.recall * weakest.support);
	const certain = mistakes.filter((i) => context.confidences[i] > 0.9).length;
	yield text(
		`${percent(context.accuracy)} of ${yTrue.length} test images are classified correctly (${interval(scores.interval)}); the loss is ${mean(context.losses).toFixed(3)}. Always predicting the most frequent class gives ${percent(majorityScore(yTrue))}. Without leaked and conflicting test images accuracy is ${percent(sets.cleanAccuracy)}.`,
	);
	if (sets.isShifted) yield text(`Validation accuracy is ${percent(sets.validAccuracy)}:`);
	yield text(
		`The class with the lowest recall is ${printable(weakest.class)}, with ${percent(weakest.recall)} of its ${weakest.support} images (${interval(metrics.proportionConfint(hits, weakest.support))}).`,
	);
	yield text(`${certain} of ${mistakes.length} mistakes have a confidence above`);
	if (hard.length > 0) yield text(`Harder than the rest: ${hard.join("; ")}.`);
	yield text(`The expected calibration error is ${errors[0]}, after temperature scaling ${errors[1]}.`);
	yield text(costs.sentence);
}

const interval = ({ low, high }: { low: number; high: number }) =>
	`95 % confidence interval: ${percent(low)} to ${percent(high)}`;

function contextOf(evidence: Evidence): Context {
	const { test, seed } = evidence;
	const { yTrue, yPred, probabilities, logProbabilities } = test;
	const isCorrect = yTrue.map((label, i) => Number(label === yPred[i]));
	const correct = isCorrect.filter(Boolean).length;
	const isMixed = correct > 0 && correct < yTrue.length;
	return {
		...evidence,
		...{ isCorrect, accuracy: correct / yTrue.length },
		resampled: (score) => metrics.bootstrap(score, yTrue.length, { nResamples: 1000, seed }),
		confidences: probabilities.map((row) => Math.max(...row)),
		losses: metrics.sparseCategoricalCrossentropy(yTrue, logProbabilities),
		oneSided: !isMixed && `all predictions are ${correct > 0 ? "right" : "wrong"}`,
	};
}

/** Accuracy and loss, their intervals, and what a guess is worth. */
function* scoreParts({ test, classNames, accuracy, losses, resampled }: Context, warning: string | null) {
	const { yTrue } = test;
	const loss = mean(losses);
	yield text(`Found ${yTrue.length} files belonging to ${classNames.length} classes.`);
	yield text(`Test Accuracy: ${accuracy.toFixed(5)}`);
	yield text(`Test Loss: ${loss.toFixed(5)}`);
	const bounds = metrics.proportionConfint(Math.round(accuracy * yTrue.length), yTrue.length);
	const { low, high } = resampled((i) => mean(metrics.pick(losses, i)));
	yield table([
		{ score: "accuracy", value: accuracy, low: bounds.low, high: bounds.high },
		{ score: "loss", value: loss, ...(Number.isFinite(low) && { low, high }) },
	]);
	const majority = majorityScore(yTrue);
	const beatsMajority = claim(
		"The model is better than always predicting the most frequent class",
		{ value: accuracy, ...bounds },
		{ above: majority },
		{ unit: "percent" },
	);
	yield text(
		warning ??
			`Always predicting the most frequent class is right for ${percent(majority)} of the test images, the model for ${percent(accuracy)}.`,
	);
	return { beatsMajority, interval: bounds };
}

/** Validation and test images, and the test images without leaks. */
function* setParts({ test, valid, lookAlikes, leftOut, accuracy }: Context) {
	const { length } = test.yTrue;
	yield text(`${lookAlikes.length} of ${length} test images look like an image of another set or class`);
	const isLeft = new Set(leftOut);
	const clean = test.yTrue.flatMap((_, i) => (isLeft.has(i) ? [] : [i]));
	const score = (set: string, truth: number[], predicted: number[]) => {
		const hits = truth.filter((label, i) => label === predicted[i]).length;
		const { low, high } = metrics.proportionConfint(hits, truth.length);
		return { hits, row: { set, images: truth.length, accuracy: hits / truth.length, low, high } };
	};
	const sets = [
		score("validation", valid.yTrue, valid.yPred),
		score("test", test.yTrue, test.yPred),
		score("test, without leaks and conflicts", metrics.pick(test.yTrue, clean), metrics.pick(test.yPred, clean)),
	];
	yield table(sets.map(({ row }) => row));
	const [validScore, testScore, cleanScore] = sets;
	const shift = metrics.proportionDifferenceConfint(
		...([validScore.hits, validScore.row.images, testScore.hits, length] as const),
	);
	const isShifted = shift.low > 0 || shift.high < 0;
	yield text(
		`Validation accuracy minus test accuracy: ${points(shift.value)} (95 %: ${points(shift.low)} to ${points(shift.high)})`,
	);
	const without = `. Without them accuracy is ${percent(cleanScore.row.accuracy)} instead of ${percent(accuracy)}`;
	yield text(
		`Test images that are copies of one of another set or class: ${leftOut.length}${leftOut.length ? without : ""}.`,
	);
	const claims = [
		claim(
			"Validation and test accuracy differ by less than 10 points",
			shift,
			{ above: -0.1, below: 0.1 },
			{ unit: "points" },
		),
		claim(
			"Leaked and conflicting test images change the accuracy by less than 1 point",
			accuracy - cleanScore.row.accuracy,
			{ above: -0.01, below: 0.01 },
			{ unit: "points" },
		),
	];
	return { claims, isShifted, cleanAccuracy: cleanScore.row.accuracy, validAccuracy: validScore.row.accuracy };
}

function* matrixParts({ test, classNames }: Context) {
	const labels = classNames.map((_, label) => label);
	yield figure(confusionMatrixFigure(metrics.confusionMatrix(test.yTrue, test.yPred, { labels }), classNames));
	const normalized = metrics.confusionMatrix(test.yTrue, test.yPred, { labels, normalize: "true" });
	yield figure(confusionMatrixFigure(normalized, classNames, { normalized: true }));
}

/** The captions of the images that are shown. */
function* imageParts(context: Context, reason: string | null) {
	const { test, classNames, confidences, isCorrect, oneSided, resampled } = context;
	const caption = (i: number) =>
		text(
			`${printable(classNames[test.yTrue[i]])}, predicted as ${printable(classNames[test.yPred[i]])} (${percent(confidences[i])})`,
		);
	const all = test.yTrue.map((_, i) => i);
	const byConfidence = (indices: number[]) => indices.sort((a, b) => confidences[b] - confidences[a]);
	const mistakes = byConfidence(all.filter((i) => !isCorrect[i]));
	yield* mistakes.slice(0, 12).map(caption);
	yield text(`${mistakes.length} of ${all.length} test images are misclassified`);
	yield* [...all]
		.sort((a, b) => confidences[a] - confidences[b])
		.slice(0, 12)
		.map(caption);
	const right = byConfidence(all.filter((i) => isCorrect[i]));
	const examples = classNames.flatMap((_, label) => right.filter((i) => test.yTrue[i] === label).slice(0, 2));
	yield* [...examples, ...mistakes.slice(0, 2)].map(caption);
	const unknown = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
	const score = (i: Uint32Array) => metrics.rocAucScore(metrics.pick(isCorrect, i), metrics.pick(confidences, i));
	const confidenceTells = claim(
		"Mistakes are less confident than correct predictions",
		oneSided ? unknown : resampled(score),
		{ above: 0.5 },
		{ reason: reason || oneSided },
	);
	return { mistakes, confidenceTells };
}

/** What heat maps show, and the accuracy by property. */
function* sliceParts({ mapCorrelations, properties, test, accuracy }: Context, reason: string | null) {
	const mapsAreLearned = claim(
		"Heat maps of the trained and the untrained network are hardly correlated",
		metrics.meanConfint(mapCorrelations),
		{ below: 0.5 },
		{ reason },
	);
	yield text(
		`Mean rank correlation of ${mapCorrelations.length} pairs of maps: ${mapsAreLearned.measured.value.toFixed(2)};`,
	);
	const thirds = Object.entries(properties).flatMap(([property, values]) => {
		const slices = accuracyBySlice(values, test.yTrue, test.yPred);
		return slices.length > 1 ? slices.map((slice) => ({ property, ...slice })) : [];
	});
	const alpha = 0.05 / Math.max(1, thirds.length);
	const slices = thirds.map((slice) => {
		const bounds = metrics.proportionConfint(Math.round(slice.accuracy * slice.images), slice.images, { alpha });
		return { ...slice, ...bounds, harder: bounds.high < accuracy ? "yes" : "" };
	});
	if (slices.length > 0) yield table(slices);
	const hard = slices.filter(({ harder }) => harder);
	const noneIsHarder = claim(
		"No third of the test images is harder than the rest",
		hard.length,
		{ atMost: 0 },
		{ reason },
	);
	const names = hard.map(
		({ property, from, to, accuracy }) =>
			`${property} of ${from.toFixed(2)} to ${to.toFixed(2)} (${percent(accuracy)})`,
	);
	return { hard: names, noneIsHarder, mapsAreLearned };
}
