import assert from "node:assert/strict";
import { test } from "node:test";
import { accuracyBySlice } from "../../src/evaluation/slices";

test("slices are ordered, of equal size, and contain each sample once", () => {
	const values = [5, 1, 4, 2, 6, 3];
	const slices = accuracyBySlice(values, [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0]);
	assert.deepEqual(slices, [
		{ from: 1, to: 2, images: 2, accuracy: 1 },
		{ from: 3, to: 4, images: 2, accuracy: 0.5 },
		{ from: 5, to: 6, images: 2, accuracy: 0.5 },
	]);
});

test("equal values are in one slice", () => {
	const slices = accuracyBySlice([7, 7, 7, 7], [0, 1, 0, 1], [0, 1, 1, 1], { slices: 4 });
	assert.deepEqual(slices, [{ from: 7, to: 7, images: 4, accuracy: 0.75 }]);
});
