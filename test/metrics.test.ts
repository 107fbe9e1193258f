import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	accuracyScore,
	classificationReport,
	classificationReportRows,
	confusionMatrix,
	type ReportOptions,
} from "../src/metrics";
import { fixture } from "./fixtures";

type Scores = { precision: number; recall: number; "f1-score": number; support: number };
type Case = {
	yTrue: number[];
	yPred: number[];
	options: { target_names?: string[]; labels?: number[]; digits?: number; zero_division?: 0 | 1 };
	text: string;
	rows: Record<string, Scores | number>;
	matrix: number[][];
};

describe("scikit-learn's answers", () => {
	fixture<Case[]>("reports").forEach(({ yTrue, yPred, options, text, rows, matrix }, i) => {
		const { target_names: targetNames, zero_division: zeroDivision, labels, digits } = options;
		const ours: ReportOptions = { targetNames, zeroDivision, labels, digits };

		test(`case ${i}: the report, to the character`, () => {
			assert.equal(classificationReport(yTrue, yPred, ours), text);
		});

		test(`case ${i}: rows, matrix, accuracy`, () => {
			for (const [name, row] of Object.entries(classificationReportRows(yTrue, yPred, ours))) {
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

test("typed arrays count as lists", () => {
	assert.equal(accuracyScore(Int32Array.of(0, 1, 1), Float32Array.of(0, 1, 0)), 2 / 3);
});

test("says what does not fit", () => {
	assert.throws(() => accuracyScore([0, 1], [0]), /yTrue has 2 labels and yPred 1/);
	assert.throws(() => classificationReport([], []), /expected one of each per sample/);
	assert.throws(() => classificationReport([0, 1], [0, 1], { targetNames: ["a"] }), /1 targetNames for 2 labels/);
});
