import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { FeatureMatrix } from "../../src/review/features";
import { nearestNeighbours, outlierScores } from "../../src/review/neighbours";
import { randomIntegers } from "../helpers";

function matrixOf(rows: number[][]): FeatureMatrix {
	return { values: Float32Array.from(rows.flat()), images: rows.length, length: rows[0]?.length ?? 0 };
}

function randomRows(images: number, length: number, seed: number): number[][] {
	const random = randomIntegers(seed);
	return Array.from({ length: images }, () => Array.from({ length }, () => random(2001) / 1000 - 1));
}

/** Cosine similarities to all others, in float64, in descending order. */
function bruteForce(rows: number[][]) {
	const dot = (a: number[], b: number[]) => a.reduce((total, value, i) => total + value * b[i], 0);
	const cosine = (a: number[], b: number[]) => dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
	return rows.map((row, i) =>
		rows
			.map((other, index) => ({ index, similarity: cosine(row, other) }))
			.filter(({ index }) => index !== i)
			.sort((a, b) => b.similarity - a.similarity),
	);
}

async function compare(rows: number[][], k: number, block: number) {
	const { indices, similarities } = await nearestNeighbours(matrixOf(rows), k, { block });
	bruteForce(rows).forEach((expected, i) => {
		const own = new Map(expected.map(({ index, similarity }) => [index, similarity]));
		assert.equal(indices[i].length, Math.min(k, rows.length - 1));
		assert.equal(new Set(indices[i]).size, indices[i].length, "an image twice");
		indices[i].forEach((index, rank) => {
			// Equal ones may be in another order.
			assert.ok(Math.abs(expected[rank].similarity - similarities[i][rank]) < 1e-6, `image ${i}, rank ${rank}`);
			assert.ok(
				Math.abs((own.get(index) as number) - similarities[i][rank]) < 1e-6,
				`image ${i} has neighbour ${index}`,
			);
		});
	});
	return indices;
}

describe("nearest neighbours are those of brute force", () => {
	test("in one block and in several, of which the last is smaller", async () => {
		const rows = randomRows(50, 8, 3);
		const [one, ...others] = [await compare(rows, 5, 64), await compare(rows, 5, 7), await compare(rows, 5, 49)];
		for (const other of others) assert.deepEqual(other, one);
	});

	test("with duplicates, which are nearest to each other and never to themselves", async () => {
		const rows = randomRows(12, 6, 5);
		const indices = await compare([...rows, rows[3], rows[3].map((value) => 2 * value), rows[0]], 4, 4);
		assert.deepEqual(indices[3].slice(0, 2).sort(), [12, 13]);
		assert.equal(indices[0][0], 14);
		assert.ok(indices.every((row, i) => !row.includes(i)));
	});

	test("with rows of zeros, which are like nothing", async () => {
		const rows = [...randomRows(6, 4, 2), [0, 0, 0, 0], [0, 0, 0, 0]];
		await compare(rows, 7, 3);
		const { similarities } = await nearestNeighbours(matrixOf(rows), 3);
		assert.deepEqual(similarities[6], [0, 0, 0]);
	});

	test("of fewer than k images, of one and of none", async () => {
		await compare(randomRows(4, 5, 1), 10, 2);
		assert.deepEqual(await nearestNeighbours(matrixOf([[1, 2]])), { indices: [[]], similarities: [[]] });
		assert.deepEqual(await nearestNeighbours(matrixOf([])), { indices: [], similarities: [] });
	});
});

test("nothing is left in memory, and features that are no numbers are refused", async () => {
	const before = tf.memory().numTensors;
	await nearestNeighbours(matrixOf(randomRows(9, 3, 1)), 2, { block: 4 });
	assert.equal(tf.memory().numTensors, before);
	await assert.rejects(
		nearestNeighbours(
			matrixOf([
				[1, 2],
				[Number.NaN, 1],
			]),
		),
		/the features of image 1 are not all numbers/,
	);
	await assert.rejects(nearestNeighbours(matrixOf([[1, 2]]), 0), /k is 0/);
});

test("outlier scores are the mean cosine distance to the nearest neighbours: the odd one is the strangest", async () => {
	const random = randomIntegers(4);
	const near = () => [1, 0.1 * (random(100) / 100), 0, 0];
	const rows = [...Array.from({ length: 20 }, near), [0, 0, 1, 1]];
	const scores = outlierScores(await nearestNeighbours(matrixOf(rows)));
	const expected = bruteForce(rows).map(
		(row) => 1 - row.slice(0, 10).reduce((total, { similarity }) => total + similarity, 0) / 10,
	);
	scores.forEach((score, i) => {
		assert.ok(Math.abs(score - expected[i]) < 1e-6);
	});
	assert.equal(scores.indexOf(Math.max(...scores)), 20);
	assert.deepEqual(outlierScores({ indices: [[]], similarities: [[]] }), [0]);
});

test("among other images: those of brute force, and an image that is there itself counts", async () => {
	const [new_, known] = [randomRows(7, 5, 3), randomRows(23, 5, 4)];
	known[4] = new_[2];
	const all = bruteForce([...new_, ...known]);
	for (const block of [3, 100]) {
		const { indices, similarities } = await nearestNeighbours(matrixOf(new_), 4, { among: matrixOf(known), block });
		indices.forEach((found, i) => {
			const expected = all[i].filter(({ index }) => index >= new_.length).slice(0, 4);
			assert.deepEqual(
				found,
				expected.map(({ index }) => index - new_.length),
			);
			expected.forEach(({ similarity }, rank) => {
				assert.ok(Math.abs(similarity - similarities[i][rank]) < 1e-6);
			});
		});
		assert.equal(indices[2][0], 4);
	}
	const other = matrixOf([[1, 2]]);
	await assert.rejects(nearestNeighbours(matrixOf(new_), 4, { among: other }), /5 features, those among them 2/);
});
