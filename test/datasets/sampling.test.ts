import assert from "node:assert/strict";
import { test } from "node:test";
import {
	computeClassWeight,
	type Fold,
	sourceGroups,
	stratifiedGroupKFold,
	stratifiedKFold,
} from "../../src/datasets/sampling";
import { fixture } from "../helpers";

type Case = { labels: number[]; nSplits: number; folds: Fold[]; weights: Record<string, number> };
type GroupCase = { labels: number[]; groups: number[]; nSplits: number; tests: number[][] };
const { folds: cases, groupFolds } = fixture<{ folds: Case[]; groupFolds: GroupCase[] }>("metrics");

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

test("folds of groups are scikit-learn's", () => {
	for (const { labels, groups, nSplits, tests } of groupFolds) {
		const folds = stratifiedGroupKFold(labels, groups, { nSplits });
		assert.deepEqual(
			folds.map((fold) => fold.test),
			tests,
		);
		for (const { train, test } of folds) {
			assert.deepEqual(
				[...train, ...test].sort((a, b) => a - b),
				[...labels.keys()],
			);
		}
	}
});

test("shuffled folds of groups are reproducible and keep each group together", () => {
	const { labels, groups } = groupFolds[2];
	const folds = stratifiedGroupKFold(labels, groups, { shuffle: true, seed: 1 });
	assert.deepEqual(folds, stratifiedGroupKFold(labels, groups, { shuffle: true, seed: 1 }));
	assert.notDeepEqual(folds, stratifiedGroupKFold(labels, groups, { shuffle: true, seed: 2 }));
	for (const { train, test } of folds) {
		const tested = new Set(test.map((i) => groups[i]));
		assert.ok(train.every((i) => !tested.has(groups[i])));
	}
	assert.throws(
		() => stratifiedGroupKFold([0, 1, 0, 1], [5, 5, 6, 6], { nSplits: 3 }),
		/expected 2 up to 2, the groups/,
	);
});

test("images of one source have one group: by a last number in the name, or as look-alikes", () => {
	const paths = ["a/slide_34_0.jpg", "a/slide_34_1.jpg", "a/slide_35_0.jpg", "b/slide_34_2.jpg", "a/x.jpg", "b/y.jpg"];
	const groups = sourceGroups(paths, [["a/x.jpg", "b/y.jpg", "c/elsewhere.jpg"]]);
	assert.deepEqual(
		groups.map((group) => groups.indexOf(group)),
		[0, 0, 2, 0, 4, 4],
	);
});

test("counters, bare numbers and years are no sources", () => {
	const names = (nameOf: (i: number) => string) => Array.from({ length: 100 }, (_, i) => `cats/${nameOf(i)}.jpg`);
	const conventions = [(i: number) => `cat-${i}`, (i: number) => `${i}`, (i: number) => `glass${i}`];
	for (const nameOf of [...conventions, (i: number) => `IMG_2024_${i}`]) {
		assert.equal(new Set(sourceGroups(names(nameOf))).size, 100);
	}
	assert.equal(new Set(sourceGroups(names((i) => `cell_${i >> 1}_${i % 2}`))).size, 50);
});
