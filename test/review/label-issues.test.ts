import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	confidentJoint,
	findLabelIssues,
	type LabelIssueFilter,
	type LabelQualityMethod,
	labelQualityScores,
} from "../../src/review/label-issues";
import { fixture } from "../helpers";

type Answers<T> = Record<string, T>;
type Case = {
	name: string;
	labels: number[];
	probabilities: number[][];
	joint: number[][];
	issues: Answers<number[]>;
	ranked: Answers<Answers<number[]>>;
	scores: Answers<number[]>;
};
const toCamelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const named = <T>(answers: Answers<T>) =>
	Object.entries(answers).map(([name, value]) => [toCamelCase(name), value] as const);

describe("equal to cleanlab", () => {
	for (const { name, labels, probabilities, ...expected } of fixture<Case[]>("label-issues")) {
		test(`${name}: the confident joint`, () => {
			assert.deepEqual(confidentJoint(labels, probabilities), expected.joint);
		});

		test(`${name}: the label issues of each filter, in the order of the samples and ranked`, () => {
			for (const [filterBy, indices] of named(expected.issues))
				assert.deepEqual(findLabelIssues(labels, probabilities, { filterBy: filterBy as LabelIssueFilter }), indices);
			for (const [rankedBy, answers] of named(expected.ranked)) {
				for (const [filterBy, indices] of named(answers)) {
					const options = { filterBy: filterBy as LabelIssueFilter, rankedBy: rankedBy as LabelQualityMethod };
					assert.deepEqual(findLabelIssues(labels, probabilities, options), indices, `${filterBy} by ${rankedBy}`);
				}
			}
		});

		test(`${name}: the quality scores`, () => {
			for (const [method, scores] of named(expected.scores)) {
				const found = labelQualityScores(labels, probabilities, { method: method as LabelQualityMethod });
				found.forEach((score, i) => {
					assert.ok(Math.abs(score - scores[i]) < 1e-12, `${method} of ${i}: ${score}, not ${scores[i]}`);
				});
			}
		});
	}
});

test("the defaults are pruning by noise rate, unranked, and self confidence", () => {
	const [{ labels, probabilities, issues, scores }] = fixture<Case[]>("label-issues");
	assert.deepEqual(findLabelIssues(labels, probabilities), issues.prune_by_noise_rate);
	assert.deepEqual(labelQualityScores(labels, probabilities), scores.self_confidence);
});

test("what is no data set is refused", () => {
	const rows = [
		[0.9, 0.1],
		[0.2, 0.8],
	];
	assert.throws(() => findLabelIssues([0, 1, 1], rows), /yTrue has 3 labels and probabilities 2/);
	assert.throws(() => confidentJoint([1, 1], rows), /all 2 labels are 1: expected two classes or more/);
	assert.throws(() => findLabelIssues([0, 2], rows), /has the label 2, but the probabilities are of 0, 1/);
	assert.throws(() => findLabelIssues([0, 1], [[0.9, 0.3], rows[1]]), /sample 0 sum to 1\.2/);
	assert.throws(
		() => findLabelIssues([0, 1], [[1.5, -0.5], rows[1]]),
		/sample 0 are 1\.5, -0\.5: expected numbers of 0 to 1/,
	);
	assert.throws(() => findLabelIssues([0, 1], [[Number.NaN, 1], rows[1]]), /sum to NaN/);
	assert.throws(
		() => findLabelIssues([0, 1], rows, { filterBy: "both of them" as "both" }),
		/expected pruneByNoiseRate, /,
	);
	assert.throws(
		() => labelQualityScores([0, 1], rows, { method: "entropy" as "selfConfidence" }),
		/expected selfConfidence, /,
	);
});
