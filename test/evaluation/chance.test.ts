import assert from "node:assert/strict";
import { test } from "node:test";
import seedrandom from "seedrandom";
import { chanceWarning, majorityScore } from "../../src/evaluation/chance";

/** Labels and predictions of two classes with these counts in the confusion matrix. */
function predictionsOf([[a, b], [c, d]]: number[][]) {
	const repeated = (label: number, prediction: number, count: number) =>
		Array.from({ length: count }, () => [label, prediction]);
	const pairs = [...repeated(0, 0, a), ...repeated(0, 1, b), ...repeated(1, 0, c), ...repeated(1, 1, d)];
	return { yTrue: pairs.map(([label]) => label), yPred: pairs.map(([, prediction]) => prediction) };
}

/** The chi-squared statistic of independence, from observed and expected counts. */
function chiSquared(matrix: number[][]): number {
	const total = matrix.flat().reduce((sum, count) => sum + count);
	const rows = matrix.map(([a, b]) => a + b);
	const columns = [0, 1].map((j) => matrix[0][j] + matrix[1][j]);
	const terms = matrix.flatMap((row, i) =>
		row.map((observed, j) => (observed - (rows[i] * columns[j]) / total) ** 2 / ((rows[i] * columns[j]) / total)),
	);
	return terms.reduce((sum, term) => sum + term);
}

test("a warning is given unless the chi-squared test finds a relation, and says in which direction there is one", () => {
	const random = seedrandom("chance");
	const seen = { right: 0, wrong: 0, none: 0 };
	for (let i = 0; i < 300; i++) {
		const matrix = [0, 1].map(() => [0, 1].map(() => 1 + Math.floor(30 * random())));
		const isRelated = chiSquared(matrix) >= 1.96 ** 2;
		const direction = matrix[0][0] * matrix[1][1] > matrix[0][1] * matrix[1][0] ? "right" : "wrong";
		const expected = isRelated ? direction : "none";
		seen[expected]++;
		const warning = chanceWarning(predictionsOf(matrix));
		const found = warning === null ? "right" : warning.startsWith("Nothing was learned") ? "none" : "wrong";
		assert.equal(found, expected, `${JSON.stringify(matrix)}: ${warning}`);
	}
	assert.ok(Math.min(...Object.values(seen)) > 20, JSON.stringify(seen));
});

test("predictions that are all wrong are not called unlearned", () => {
	const { yTrue, yPred } = predictionsOf([
		[0, 15],
		[15, 0],
	]);
	assert.match(chanceWarning({ yTrue, yPred }) ?? "", /^The predictions are wrong more often .* accuracy is 0\.0 %/);
	assert.match(chanceWarning({ yTrue, yPred: yTrue.map(() => 1) }) ?? "", /^Nothing was learned: accuracy is 50\.0 %/);
	assert.equal(majorityScore([2, 0, 2, 2]), 0.75);
});
