import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FeatureMatrix } from "../../src/review/features";
import { labelNext } from "../../src/review/label-next";
import { randomIntegers } from "../helpers";

const matrixOf = (rows: number[][]): FeatureMatrix => ({
	values: Float32Array.from(rows.flat()),
	images: rows.length,
	length: rows[0].length,
});
const random = randomIntegers(11);
const randomRows = (images: number, length: number) =>
	Array.from({ length: images }, () => Array.from({ length }, () => random(2001) / 1000 - 1));
const distance = (a: number[], b: number[]) => {
	const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i], 0);
	return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("what to label next", () => {
	test("by uncertainty: the smallest margins, in their order", () => {
		const probabilities = [
			[0.9, 0.1, 0],
			[0.4, 0.35, 0.25],
			[0.5, 0.49, 0.01],
			[0.34, 0.33, 0.33],
		];
		assert.deepEqual(labelNext({ probabilities }, 3, { method: "uncertainty" }), [2, 3, 1]);
		assert.deepEqual(labelNext({ probabilities }, 9, { method: "uncertainty" }), [2, 3, 1, 0]);
	});

	test("by diversity: each is the farthest from all before, by brute force", () => {
		const [rows, known] = [randomRows(60, 6), randomRows(5, 6)];
		const chosen = labelNext({ features: matrixOf(rows), labelled: matrixOf(known) }, 12, { method: "diversity" });
		assert.equal(new Set(chosen).size, 12);
		const centers = [...known];
		for (const image of chosen) {
			const nearest = rows.map((row) => Math.min(...centers.map((center) => distance(row, center))));
			assert.ok(Math.abs(nearest[image] - Math.max(...nearest)) < 1e-6);
			centers.push(rows[image]);
		}
	});

	test("by diversity one of each group comes before a second of any", () => {
		const groups = [0, 1, 2, 3].map((axis) => [0, 1, 2, 3].map((i) => Number(i === axis)));
		const rows = Array.from({ length: 40 }, (_, i) => groups[i % 4].map((value) => value + random(100) / 1e4));
		const chosen = labelNext({ features: matrixOf(rows) }, 4, { method: "diversity" });
		assert.deepEqual(new Set(chosen.map((i) => i % 4)), new Set([0, 1, 2, 3]));
	});

	test("by both: diverse images of the less certain half, copies last", () => {
		const rows = randomRows(20, 4);
		rows[1] = rows[0];
		const probabilities = rows.map((_, i) => (i < 10 ? [0.51, 0.49] : [0.99, 0.01]));
		const chosen = labelNext({ probabilities, features: matrixOf(rows) }, 9, { method: "both" });
		assert.ok(chosen.every((i) => i < 10));
		assert.ok(!(chosen.includes(0) && chosen.includes(1)));
		assert.equal(new Set(labelNext({ probabilities, features: matrixOf(rows) }, 10, { method: "both" })).size, 10);
	});

	test("of one image, and what is missing", () => {
		const one = { probabilities: [[1]], features: matrixOf([[1, 2]]) };
		assert.deepEqual(labelNext(one, 5), [0]);
		assert.throws(() => labelNext({}, 1), /uncertainty needs probabilities/);
		assert.throws(() => labelNext({ probabilities: [[1]] }, 1, { method: "both" }), /both needs features/);
		assert.throws(
			() => labelNext({ ...one, probabilities: [[1], [1]] }, 1),
			/2 rows of probabilities and 1 of features/,
		);
		assert.throws(
			() => labelNext({ ...one, labelled: matrixOf([[1]]) }, 1, { method: "both" }),
			/2 features, labelled ones 1/,
		);
		assert.throws(() => labelNext(one, 0), /images is 0/);
	});
});
