import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bootstrap, pick } from "../../src/metrics/bootstrap";
import { brierScoreLoss, calibrationCurve, expectedCalibrationError, logLoss } from "../../src/metrics/calibration";
import {
	classificationReport,
	classificationReportRows,
	precisionRecallFscoreSupport,
	type ReportOptions,
} from "../../src/metrics/classification";
import { accuracyScore, cohenKappaScore, confusionMatrix, matthewsCorrcoef } from "../../src/metrics/confusion";
import { averagePrecisionScore, precisionRecallCurve, rocAucScore, rocCurve } from "../../src/metrics/ranking";
import { fixture } from "../helpers";

type Scores = { precision: number; recall: number; "f1-score": number; support: number };
type Case = {
	yTrue: number[];
	yPred: number[];
	options: { target_names?: string[]; labels?: number[]; digits?: number; zero_division?: 0 | 1 };
	text: string;
	rows: Record<string, Scores | number>;
	matrix: number[][];
};

describe("reports and confusion matrices equal scikit-learn's", () => {
	fixture<Case[]>("reports").forEach(({ yTrue, yPred, options, text, rows, matrix }, i) => {
		const { target_names: targetNames, zero_division: zeroDivision, labels, digits } = options;
		const ours: ReportOptions = { targetNames, zeroDivision, labels, digits };

		test(`case ${i}: the text report is identical`, () => {
			assert.equal(classificationReport(yTrue, yPred, ours), text);
		});

		test(`case ${i}: rows, confusion matrix and accuracy`, () => {
			for (const { class: name, ...row } of classificationReportRows(yTrue, yPred, ours)) {
				const expected = rows[name];
				if (typeof expected === "number") {
					assert.ok(Math.abs(row.f1 - expected) < 1e-12);
					assert.equal(accuracyScore(yTrue, yPred), expected);
					continue;
				}
				const { precision, recall, "f1-score": f1, support } = expected;
				for (const [a, b] of [
					[row.precision, precision],
					[row.recall, recall],
					[row.f1, f1],
				]) {
					assert.ok(Math.abs(a - b) < 1e-12, `${name}: ${a}, not ${b}`);
				}
				assert.equal(row.support, support);
			}
			assert.deepEqual(confusionMatrix(yTrue, yPred, { labels }), matrix);
		});
	});
});

test("labels can be typed arrays", () => {
	assert.equal(accuracyScore(Int32Array.of(0, 1, 1), Float32Array.of(0, 1, 0)), 2 / 3);
});

test("labels of different lengths and wrong targetNames are errors", () => {
	assert.throws(() => accuracyScore([0, 1], [0]), /yTrue has 2 labels and yPred 1/);
	assert.throws(() => classificationReport([], []), /expected one of each per sample/);
	assert.throws(() => classificationReport([0, 1], [0, 1], { targetNames: ["a"] }), /1 targetNames for 2 labels/);
});

/** Recorded numbers; NaN and infinity, which JSON lacks, are text. */
type Recorded = number | string | null | Recorded[];
const toNumber = (value: Recorded) =>
	value === "nan" ? Number.NaN : value === "inf" ? Number.POSITIVE_INFINITY : Number(value);

type RecordedMetrics = {
	labels: {
		yTrue: number[];
		yPred: number[];
		scores: Record<string, Recorded[]>;
		normalized: Record<"true" | "pred" | "all", Recorded>;
		matthews: Recorded;
		kappa: Recorded[];
	}[];
	binary: {
		yTrue: number[];
		scores: number[];
		roc: Recorded;
		rocAll: Recorded;
		precisionRecall: Recorded;
		averagePrecision: Recorded;
		rocAuc: Recorded;
		logLoss?: Recorded;
		brier?: Recorded;
		calibration?: { nBins: number; strategy: "uniform" | "quantile"; curve: Recorded }[];
	}[];
	tables: {
		yTrue: number[];
		proba: number[][];
		logLoss: Recorded;
		brier: Recorded;
		calibrationError: Recorded;
		rocAuc?: Record<string, Recorded>;
		averagePrecision?: Recorded;
	}[];
	bootstrap: { values: number[]; low: number; high: number; standardError: number };
};
const recorded = fixture<RecordedMetrics>("metrics");
let greatest = 0;

/** Asserts equality to 1e-12, with `NaN` where scikit-learn returns it. */
function assertSame(actual: unknown, expected: Recorded, what: string): void {
	if (Array.isArray(expected)) {
		assert.equal((actual as unknown[]).length, expected.length, what);
		expected.forEach((value, i) => {
			assertSame((actual as unknown[])[i], value, `${what}[${i}]`);
		});
		return;
	}
	if (expected === null) {
		assert.equal(actual, null, what);
		return;
	}
	const [a, b] = [actual as number, toNumber(expected)];
	if (Object.is(a, b) || a === b) return;
	greatest = Math.max(greatest, Math.abs(a - b));
	assert.ok(Math.abs(a - b) <= 1e-12, `${what}: ${a}, not ${b}`);
}

describe("scores equal scikit-learn's", () => {
	recorded.labels.forEach(({ yTrue, yPred, scores, normalized, matthews, kappa }, i) => {
		test(`predicted labels, case ${i}`, () => {
			for (const [key, expected] of Object.entries(scores)) {
				const { beta, average, zeroDivision } = JSON.parse(key);
				const options = { beta: beta === "inf" ? Number.POSITIVE_INFINITY : Number(beta), average };
				const found = precisionRecallFscoreSupport(yTrue, yPred, { ...options, zeroDivision: toNumber(zeroDivision) });
				assertSame([found.precision, found.recall, found.fscore, found.support], expected, key);
			}
			for (const normalize of ["true", "pred", "all"] as const) {
				assertSame(confusionMatrix(yTrue, yPred, { normalize }), normalized[normalize], normalize);
			}
			assertSame(matthewsCorrcoef(yTrue, yPred), matthews, "matthews");
			const weights = [undefined, "linear", "quadratic"] as const;
			assertSame(
				weights.map((weighting) => cohenKappaScore(yTrue, yPred, { weights: weighting })),
				kappa,
				"kappa",
			);
		});
	});

	recorded.binary.forEach(({ yTrue, scores, ...expected }, i) => {
		test(`binary scores, case ${i}`, () => {
			const roc = rocCurve(yTrue, scores);
			assertSame([roc.fpr, roc.tpr, roc.thresholds], expected.roc, "roc");
			const all = rocCurve(yTrue, scores, { dropIntermediate: false });
			assertSame([all.fpr, all.tpr, all.thresholds], expected.rocAll, "roc, all");
			const { precision, recall, thresholds } = precisionRecallCurve(yTrue, scores);
			assertSame([precision, recall, thresholds], expected.precisionRecall, "precision and recall");
			assertSame(averagePrecisionScore(yTrue, scores), expected.averagePrecision, "average precision");
			assertSame(rocAucScore(yTrue, scores), expected.rocAuc, "area");
			if (expected.logLoss !== undefined) assertSame(logLoss(yTrue, scores), expected.logLoss, "log loss");
			if (expected.brier !== undefined) assertSame(brierScoreLoss(yTrue, scores), expected.brier, "Brier score");
			for (const { nBins, strategy, curve } of expected.calibration ?? []) {
				const { probTrue, probPred, count } = calibrationCurve(yTrue, scores, { nBins, strategy });
				assertSame([probTrue, probPred], curve, `${nBins} ${strategy}`);
				assert.equal(
					count.reduce((total, binCount) => total + binCount, 0),
					scores.length,
				);
			}
		});
	});

	recorded.tables.forEach(({ yTrue, proba, ...expected }, i) => {
		test(`class probabilities, case ${i}`, () => {
			assertSame(logLoss(yTrue, proba), expected.logLoss, "log loss");
			assertSame(brierScoreLoss(yTrue, proba), expected.brier, "Brier score");
			assertSame(expectedCalibrationError(yTrue, proba), expected.calibrationError, "calibration error");
			for (const [key, area] of Object.entries(expected.rocAuc ?? {})) {
				const [multiClass, average] = key.split(" ") as ["ovr" | "ovo", "macro" | "weighted"];
				assertSame(rocAucScore(yTrue, proba, { multiClass, average }), area, key);
			}
			if (expected.averagePrecision) {
				assertSame(averagePrecisionScore(yTrue, proba), expected.averagePrecision, "average precision");
			}
		});
	});

	test("the bootstrap interval equals SciPy's up to sampling error", () => {
		const { values, low, high, standardError } = recorded.bootstrap;
		const mean = (indices: Uint32Array) => pick(values, indices).reduce((a, b) => a + b) / indices.length;
		const found = bootstrap(mean, values.length, { seed: 3 });
		// The mean of 150 labels moves in steps of 1 / 150.
		assert.ok(Math.abs(found.low - low) <= 1 / 150 + 1e-9);
		assert.ok(Math.abs(found.high - high) <= 1 / 150 + 1e-9);
		assert.ok(Math.abs(found.standardError / standardError - 1) < 0.05);
		assert.deepEqual(found, bootstrap(mean, values.length, { seed: 3 }));
	});

	test("the largest difference is below 1e-12", (t) => {
		t.diagnostic(`${greatest}`);
		assert.ok(greatest < 1e-12);
	});
});

test("invalid probabilities and labels are errors that name value and expectation", () => {
	assert.throws(
		() =>
			logLoss(
				[0, 1],
				[
					[0.5, 0.4],
					[0.5, 0.5],
				],
			),
		/probabilities of sample 0 sum to 0\.9: expected 1/,
	);
	assert.throws(() => logLoss([0, 2], [0.5, 0.5]), /yTrue has the label 2, but the probabilities are of 0, 1/);
	assert.throws(() => rocCurve([0, 1], [0.5]), /yTrue has 2 labels and yScore 1: expected one of each/);
	assert.throws(() => rocCurve([0, 1], [0.5, Number.NaN]), /yScore has NaN/);
	assert.throws(() => rocCurve([], []), /yTrue has 0 labels/);
	assert.throws(
		() =>
			rocAucScore(
				[0, 1, 2],
				[
					[1, 0, 0],
					[0, 1, 0],
					[0, 0, 1],
				],
			),
		/choose multiClass "ovr" or "ovo"/,
	);
	assert.throws(() => calibrationCurve([0, 1], [0.5, 1.5]), /yProb has 1\.5: expected probabilities of 0 to 1/);
	assert.throws(
		() => confusionMatrix([0, 1], [0, 1], { labels: [7] }),
		/none of the labels 7 is in yTrue, which has 0, 1/,
	);
	const binary = { average: "binary" } as const;
	assert.throws(
		() => precisionRecallFscoreSupport([0, 1, 2], [0, 1, 2], binary),
		/is for two classes, but there are 0, 1, 2: choose "micro", "macro" or "weighted"/,
	);
	assert.throws(() => precisionRecallFscoreSupport([0, 0], [0, 0], binary), /posLabel 1 is not among the labels 0/);
});
