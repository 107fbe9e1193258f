import assert from "node:assert/strict";
import { test } from "node:test";
import { computeClassWeight, type Fold, stratifiedKFold } from "../../src/datasets/sampling";
import { fixture } from "../helpers";

type Case = { labels: number[]; nSplits: number; folds: Fold[]; weights: Record<string, number> };
const cases = fixture<{ folds: Case[] }>("metrics").folds;

test("folds and class weights are scikit-learn's", () => {
	for (const { labels, nSplits, folds, weights } of cases) {
		assert.deepEqual(stratifiedKFold(labels, { nSplits }), folds);
		const ours = computeClassWeight(labels);
		for (const [label, weight] of Object.entries(weights)) assert.ok(Math.abs(ours[Number(label)] - weight) < 1e-12);
	}
});

test("shuffled folds are stratified and reproducible, and hold each sample once", () => {
	const { labels } = cases[2];
	const folds = stratifiedKFold(labels, { shuffle: true, seed: 1 });
	assert.deepEqual(folds, stratifiedKFold(labels, { shuffle: true, seed: 1 }));
	assert.notDeepEqual(folds, stratifiedKFold(labels, { shuffle: true, seed: 2 }));
	const tested = folds.flatMap((fold) => fold.test).sort((a, b) => a - b);
	assert.deepEqual(
		tested,
		labels.map((_, i) => i),
	);
	for (const label of new Set(labels)) {
		const counts = folds.map(({ test: samples }) => samples.filter((i) => labels[i] === label).length);
		assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
	}
});

test("the message names the largest number of folds", () => {
	assert.throws(() => stratifiedKFold([0, 0, 1], { nSplits: 3 }), /nSplits is 3: expected 2 up to the 2 samples/);
	assert.throws(() => stratifiedKFold([0, 1], { nSplits: 1 }), /nSplits is 1/);
});
