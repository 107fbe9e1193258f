// Properties: numbers that are computed in two ways agree, whatever the labels and the names of the classes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { bootstrap, pick } from "../../src/metrics/bootstrap";
import { logLoss } from "../../src/metrics/calibration";
import { classificationReport, classificationReportRows } from "../../src/metrics/classification";
import { accuracyScore, confusionMatrix } from "../../src/metrics/confusion";
import { sparseCategoricalCrossentropy } from "../../src/metrics/cross-entropy";
import { proportionConfint } from "../../src/metrics/proportion";
import { withTemperature } from "../../src/metrics/temperature";
import { mean, sum } from "../../src/support/statistics";
import { fixture } from "../helpers";

type Named = { names: string[]; yTrue: number[]; yPred: number[]; text: string };
const named = fixture<{ named: Named[] }>("metrics").named;

describe("class names of all kinds", () => {
	named.forEach(({ names, yTrue, yPred, text }) => {
		const options = { labels: names.map((_, label) => label), targetNames: names };
		test(`${names.join(", ")}: scikit-learn's text, and rows in the same order`, () => {
			assert.equal(classificationReport(yTrue, yPred, options), text);
			const rows = classificationReportRows(yTrue, yPred, options);
			assert.deepEqual(
				rows.map((row) => row.class),
				[...names, "accuracy", "macro avg", "weighted avg"],
			);
			const lines = text.split("\n").filter((line) => /\d$/.test(line));
			rows.forEach((row, i) => {
				assert.ok(lines[i].trimStart().startsWith(row.class), lines[i]);
				assert.ok(lines[i].includes(` ${row.f1.toFixed(2)} `) && lines[i].endsWith(` ${row.support}`), lines[i]);
			});
		});
	});
});

/** Test sets as small data sets have them: classes with one image, classes that are never predicted, confident mistakes. */
function drawn(seed: number) {
	const random = seedrandom(`agreement ${seed}`);
	const below = (limit: number) => Math.floor(random() * limit);
	const classes = 2 + below(5);
	const samples = classes + below(30);
	const yTrue = Array.from({ length: samples }, (_, i) => (i < classes ? i : below(seed % 3 === 0 ? 1 : classes)));
	const scale = [0.1, 3, 300, 1e4][seed % 4];
	const isRight = [1, 0, 0.8][seed % 3];
	const never = seed % 5 === 0 ? below(classes) : -1;
	const logits = yTrue.map((label) => {
		const row = Array.from({ length: classes }, (_, j) => (j === never ? -2 : random() - 1) * scale);
		if (random() < isRight && label !== never) row[label] = scale;
		return row;
	});
	const yPred = logits.map((row) => row.indexOf(Math.max(...row)));
	return { classes, yTrue, yPred, logits };
}

const CASES = 300;

test(`${CASES} random test sets: accuracy, matrix, report, losses and intervals agree`, () => {
	for (let seed = 0; seed < CASES; seed++) {
		const { classes, yTrue, yPred, logits } = drawn(seed);
		const what = `seed ${seed}`;
		const same = (a: number, b: number, name: string) =>
			assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${what}, ${name}: ${a} and ${b}`);
		const labels = Array.from({ length: classes }, (_, label) => label);
		const matrix = confusionMatrix(yTrue, yPred, { labels });
		const hits = sum(matrix.map((row, i) => row[i]));
		const rows = classificationReportRows(yTrue, yPred, { labels });
		const accuracy = accuracyScore(yTrue, yPred);
		same(hits / yTrue.length, accuracy, "diagonal of the matrix");
		same(rows[classes].f1, accuracy, "accuracy of the report");
		for (const row of rows.slice(classes)) assert.equal(row.support, yTrue.length, what);
		for (const label of labels) {
			const [actual, predicted] = [sum(matrix[label]), sum(matrix.map((row) => row[label]))];
			assert.equal(rows[label].support, actual, what);
			same(rows[label].recall, matrix[label][label] / actual, "recall");
			same(rows[label].precision, predicted && matrix[label][label] / predicted, "precision");
			const { low, high } = proportionConfint(matrix[label][label], actual);
			assert.ok(low <= rows[label].recall && rows[label].recall <= high && high - low > 0.05, what);
		}
		const losses = sparseCategoricalCrossentropy(yTrue, logits);
		assert.ok(
			losses.every((loss) => loss >= 0 && Number.isFinite(loss)),
			what,
		);
		const { value, low, high } = bootstrap((i) => mean(pick(losses, i)), yTrue.length, { nResamples: 200, seed });
		assert.equal(value, mean(losses), what);
		assert.ok(Number.isNaN(low) ? new Set(losses).size === 1 : low <= value && value <= high, what);
		// Where nothing is clipped, scikit-learn's loss is the same.
		if (losses.every((loss) => loss < 30)) same(logLoss(yTrue, withTemperature(logits, 1)), value, "log loss");
	}
});

test("the log loss clips confident mistakes as scikit-learn does, by the type of the probabilities", () => {
	type Clipped = { yTrue: number[]; proba: number[][]; logLoss: number; logLossOfFloat32: number };
	const { yTrue, proba, ...expected } = fixture<{ clipped: Clipped }>("metrics").clipped;
	assert.ok(Math.abs(logLoss(yTrue, proba) - expected.logLoss) < 1e-12);
	const inFloat32 = proba.map((row) => Float32Array.from(row));
	assert.ok(Math.abs(logLoss(yTrue, inFloat32) - expected.logLossOfFloat32) < 1e-5);
});
