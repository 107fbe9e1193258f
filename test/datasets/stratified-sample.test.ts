import assert from "node:assert/strict";
import { test } from "node:test";
import { stratifiedSample } from "../../src/datasets/stratified-sample";

const dataOf = (...sizes: number[]) => {
	const labels = sizes.flatMap((size, label) => Array.from({ length: size }, () => label));
	return { labels, filePaths: labels.map((label, i) => `${label}/${String(i).padStart(4, "0")}.jpg`) };
};
const countsOf = (sample: { label: number }[], classes: number) =>
	Array.from({ length: classes }, (_, label) => sample.filter((file) => file.label === label).length);

test("a sample has the size asked for and the proportions of the classes, within one file", () => {
	for (const [sizes, images] of [
		[[700, 300], 100],
		[[333, 333, 334], 50],
		[[10, 20, 70], 33],
	] as [number[], number][]) {
		const counts = countsOf(stratifiedSample(dataOf(...sizes), images, 1), sizes.length);
		const total = sizes.reduce((a, b) => a + b);
		assert.equal(
			counts.reduce((a, b) => a + b),
			images,
		);
		counts.forEach((count, k) => {
			assert.ok(Math.abs(count - (sizes[k] * images) / total) < 1);
		});
	}
});

test("every class has a file, and a small dataset is taken whole", () => {
	assert.deepEqual(countsOf(stratifiedSample(dataOf(500, 500, 3), 64, 1), 3)[2], 1);
	assert.equal(stratifiedSample(dataOf(5, 3), 64, 1).length, 8);
	assert.throws(() => stratifiedSample(dataOf(5, 3), 0, 1), /images is 0: expected 1 or more/);
});

test("files are drawn by the seed from all of a class, not from its start, and keep their order", () => {
	const data = dataOf(200, 200);
	const paths = (seed: number) => stratifiedSample(data, 40, seed).map(({ path }) => path);
	assert.deepEqual(paths(1), paths(1));
	assert.notDeepEqual(paths(1), paths(2));
	assert.deepEqual(paths(1), [...paths(1)].sort());
	const drawn = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap(paths));
	assert.ok(drawn.size > 200, `${drawn.size} of 400 files in ten draws of 40`);
});
