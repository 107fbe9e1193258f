// What a page computes in the browser: outcomes of thresholds, and the predictions that it holds.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { fromLogits } from "../../src/evaluation/rows";
import { confusionMatrix, precisionRecallFscoreSupport } from "../../src/metrics";
import { decoded } from "../../src/pipeline/decoded-predictions";
import { type EvaluatedImages, loadPredictions, recordPredictions } from "../../src/pipeline/predictions";
import type { ModelRecord } from "../../src/pipeline/records";
import { mean, sum } from "../../src/support/statistics";
import { curveParts } from "../../tools/report/interactive/curves";
import { costCurve, oddsRatio, outcomeOf, priorOf, scoredOf, withOdds } from "../../tools/report/interactive/outcome";
import type { Context } from "../../tools/report/interactive/recompute";
import { predictionsJson } from "../../tools/report/interactive-sections";
import { printed, temporaryFolder } from "../helpers";

/** Images whose network is right more often than not, of the classes in turn. */
function predicted(images: number, classes: number, seed: string) {
	const random = seedrandom(seed);
	const yTrue = Array.from({ length: images }, (_, i) => i % classes);
	const logits = yTrue.map((label) =>
		Array.from({ length: classes }, (_, j) => Math.fround(4 * random() + Number(j === label))),
	);
	return { yTrue, logits };
}

function evaluated(images: number, classes: number): EvaluatedImages {
	const random = seedrandom("properties");
	return {
		classNames: Array.from({ length: classes }, (_, label) => `<b>${label}</b></script>`),
		positiveClass: 1,
		seed: 3,
		costs: { falseNegative: 5, falsePositive: 1 },
		test: predicted(images, classes, "test"),
		valid: predicted(60, classes, "valid"),
		names: Array.from({ length: images }, (_, i) => `<img src=x>/${i}.jpg`),
		lookAlikes: [0, 3],
		leftOut: [3],
		properties: { brightness: Float32Array.from({ length: images }, random) },
		mapCorrelations: [0.1, 0.3],
	};
}
const model = { classNames: ["a", "b"] } as unknown as ModelRecord;

function recorded(given: EvaluatedImages) {
	const artifacts = temporaryFolder();
	recordPredictions(artifacts, given, model);
	const record = loadPredictions(artifacts, model);
	assert.ok(record);
	return { record, file: join(artifacts, "predictions.json"), artifacts };
}

describe("the predictions of a page", () => {
	test("come back as they were", () => {
		const given = evaluated(40, 3);
		const { test: tested, properties } = decoded(recorded(given).record);
		const rows = given.test.logits.map(fromLogits);
		assert.deepEqual(tested.yTrue, given.test.yTrue);
		assert.deepEqual(
			tested.logProbabilities,
			rows.map(({ logProbabilities }) => logProbabilities),
		);
		assert.deepEqual(
			tested.yPred,
			rows.map(({ label }) => label),
		);
		assert.deepEqual(properties, given.properties);
	});

	test("are text that no name can end, and hold names of images only where they are asked for", () => {
		const { record } = recorded(evaluated(40, 2));
		for (const withNames of [true, false]) {
			const text = predictionsJson(record, withNames);
			assert.ok(!/[<>&]/.test(text));
			assert.deepEqual(JSON.parse(text).names, withNames ? record.names : []);
			assert.ok(!("model" in JSON.parse(text)));
		}
	});

	test("are not taken from another model, nor from a damaged file", async () => {
		const { artifacts, file } = recorded(evaluated(40, 2));
		assert.equal(loadPredictions(artifacts, { ...model, classNames: ["c"] }), null);
		writeFileSync(file, readFileSync(file, "utf8").replace('"yTrue"', '"labels"'));
		const lines = await printed(() => assert.equal(loadPredictions(artifacts, model), null));
		assert.match(lines, /predictions\.json is damaged .*npm run report -- 05 makes a new one/);
	});

	test("of 100,000 test images leave a page below 10 MB", () => {
		const { record } = recorded(evaluated(100_000, 2));
		const text = predictionsJson(record, false);
		// What else a page holds: 2.4 MB of plotly and style, 1 MB of images.
		assert.ok(text.length < 6e6, `${text.length} characters`);
		const evidence = decoded(JSON.parse(text));
		const unknown = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
		const charts = [...curveParts({ ...evidence, resampled: () => unknown } as unknown as Context)];
		assert.ok(charts.length === 2 && JSON.stringify(charts).length < 6e5);
	});
});

describe("the outcome of a threshold", () => {
	const evidence = decoded(recorded(evaluated(300, 2)).record);
	const [, images] = scoredOf(evidence);
	const { positiveClass } = evidence;

	test("has scikit-learn's scores, and the costs of the confusion matrix", () => {
		for (const threshold of [0, 0.2, 0.5, 0.8, 1.01]) {
			const { cost, precision, recall, F1, accuracy, ...counts } = outcomeOf(images, { ...evidence.costs, threshold });
			const yTrue = images.isPositive.map(Number);
			const yPred = images.probabilities.map((p) => Number(p >= threshold));
			const scores = precisionRecallFscoreSupport(yTrue, yPred, { labels: [1] });
			assert.deepEqual([precision, recall], [scores.precision[0], scores.recall[0]]);
			assert.ok(Math.abs(F1 - scores.fscore[0]) < 1e-12);
			const [[tn, fp], [fn, tp]] = confusionMatrix(yTrue, yPred, { labels: [0, 1] });
			const { truePositive, falseNegative, falsePositive, trueNegative } = counts;
			assert.deepEqual([trueNegative, falsePositive, falseNegative, truePositive], [tn, fp, fn, tp]);
			assert.equal(cost, (5 * fn + fp) / 300);
			assert.equal(accuracy, (tp + tn) / 300);
		}
	});

	test("at another prior is that of images drawn with it", () => {
		const ratio = oddsRatio(0.2, priorOf(images));
		const shifted = withOdds(images, ratio);
		assert.ok(Math.abs(mean(shifted.weights) - 1) < 1e-12);
		const positives = sum(shifted.weights.filter((_, i) => shifted.isPositive[i]));
		assert.ok(Math.abs(positives / 300 - 0.2) < 1e-12);
		// The second way: each negative image four times, each positive one once; a threshold on the odds, moved likewise.
		const copies = images.isPositive.flatMap((positive, i) => Array.from({ length: positive ? 1 : 4 }, () => i));
		const pick = <T>(values: T[]) => copies.map((i) => values[i]);
		const drawn = {
			...{ isPositive: pick(images.isPositive), probabilities: pick(images.probabilities) },
			weights: copies.map(() => 1),
		};
		const outcome = outcomeOf(shifted, { ...evidence.costs, threshold: 0.4 });
		const odds = 0.4 / 0.6 / ratio;
		const expected = outcomeOf(drawn, { ...evidence.costs, threshold: odds / (1 + odds) });
		for (const name of ["cost", "precision", "recall", "F1", "accuracy"] as const)
			assert.ok(Math.abs(outcome[name] - expected[name]) < 1e-9, name);
	});

	test("is the same for a prior that has no odds", () => {
		for (const [prior, before] of [
			[0, 0.5],
			[1, 0.5],
			[0.5, 0],
			[0.5, 1],
		])
			assert.equal(oddsRatio(prior, before), 1);
		assert.deepEqual(withOdds(images, 1).weights, images.weights);
	});

	test("costs least where the curve does", () => {
		const { x, y, best } = costCurve(images, evidence.costs);
		assert.equal(y[x.indexOf(best)], Math.min(...y));
		assert.equal(y[0], (evidence.costs.falsePositive * images.isPositive.filter((p) => !p).length) / 300);
		assert.equal(positiveClass, 1);
	});
});
