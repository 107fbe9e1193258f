import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { proportionDifferenceConfint } from "../../src/metrics";
import { fullName, labelled, luckLines, luckOf, shareInterval, signed } from "../../tools/report/luck";
import type { DataOrigin } from "../../tools/report/origin";
import type { NamedRun } from "../../tools/report/run-record";
import { randomIntegers } from "../helpers";

/** A run that classifies so many of its test images, half of them of each class, correctly. */
function runOf(hits: number, images: number, parameters: NamedRun["parameters"] = {}, more: object = {}): NamedRun {
	const half = images / 2;
	const first = Math.min(half, hits);
	return {
		name: "reports",
		date: "2025-03-01T10:00:00.000Z",
		dataset: "images",
		classNames: ["a", "b"],
		counts: { train: 1, valid: 1, test: images },
		parameters: { epochs: 5, seed: 42, ...parameters },
		test: { accuracy: hits / images, loss: 1 - hits / images },
		confusionMatrix: [
			[first, half - first],
			[half - (hits - first), hits - first],
		],
		versions: { node: "20.0.0" },
		device: "CPU",
		...more,
	} as unknown as NamedRun;
}

const luck = (...runs: NamedRun[]) => luckOf(labelled(runs));
const labels = (...runs: NamedRun[]) => luck(...runs).configurations.map(({ label }) => label);
const verdicts = (...runs: NamedRun[]) => luck(...runs).comparisons.map(({ verdict }) => verdict);
const other = { epochs: 9 };
const originOf = (data: DataOrigin[] | null, commit = "c0ffee") => ({
	origin: { data, code: { commit, isChanged: false }, locks: {}, changed: {} },
});
const images = (split: string, sha256: string): DataOrigin => ({ split, class: "a", images: 9, sha256 });

test("runs are named as the columns of a spreadsheet", () => {
	const names = labelled(Array.from({ length: 704 }, () => runOf(1, 2))).map(({ label }) => label);
	assert.deepEqual(
		[0, 25, 26, 51, 52, 701, 702, 703].map((i) => names[i]),
		["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "AAB"],
	);
	assert.equal(new Set(names).size, names.length);
});

describe("a configuration", () => {
	test("holds the runs that differ in nothing but the seed", () => {
		const seeds = [42, 43, 44].map((seed) => runOf(900, 1000, { seed }));
		assert.deepEqual(labels(...seeds), ["A–C"]);
		assert.deepEqual(labels(seeds[0], runOf(9, 10, other), seeds[1], seeds[2]), ["A, C, D", "B"]);
		assert.deepEqual(labels(...seeds, runOf(9, 10, other), ...seeds), ["A–C, E–G", "D"]);
		const differences = [
			{ dataset: "others" },
			{ device: "GPU" },
			{ versions: { node: "22.0.0" } },
			{ classNames: ["a", "c"] },
			originOf(null),
		];
		for (const change of differences)
			assert.deepEqual(labels(seeds[0], runOf(900, 1000, { seed: 43 }, change)), ["A", "B"], JSON.stringify(change));
	});

	test("has the same images and code, if they are known", () => {
		const [data, others] = ["0", "1"].map((digit) => [images("test", digit.repeat(64))]);
		const with43 = (origin: object) => runOf(900, 1000, { seed: 43 }, origin);
		const first = runOf(900, 1000, {}, originOf(data));
		assert.deepEqual(labels(first, with43(originOf(data))), ["A, B"]);
		assert.deepEqual(labels(first, with43(originOf(data, "f00d"))), ["A", "B"]);
		assert.deepEqual(labels(first, with43(originOf(others))), ["A", "B"]);
		// The seed may have split them so.
		const { splitBySeed } = luck(first, with43(originOf(others)));
		assert.deepEqual(
			splitBySeed.map((group) => group.map(({ label }) => label)),
			[["A", "B"]],
		);
		assert.deepEqual(luck(first, runOf(900, 1000, {}, originOf(others))).splitBySeed, []);
	});

	test("counts a seed that was run twice once", () => {
		const { configurations } = luck(runOf(900, 1000), runOf(920, 1000), runOf(940, 1000, { seed: 43 }));
		assert.deepEqual(configurations[0].accuracies, [0.91, 0.94]);
		assert.match(luckLines(luck(runOf(9, 10), runOf(9, 10)))[0], /^A, B differ in nothing that is recorded, the seed/);
	});

	test("of several seeds has the mean of their accuracies and Student's interval", () => {
		const runs = [910, 930, 900].map((hits, i) => runOf(hits, 1000, { seed: i }));
		const line =
			"differ in nothing but the seed, and by its luck: test accuracy 91.3 % (95 %: 87.5 to 95.1 %) over 3 seeds";
		assert.deepEqual(luckLines(luck(...runs)), [`A–C ${line}`]);
		assert.deepEqual(luckLines(luck(...runs), fullName), [`A–C (reports and 2 more) ${line}`]);
		assert.equal(shareInterval([0.91, 0.99]), "95.0 % (95 %: 44.2 to 100.0 %)");
		assert.equal(shareInterval([0.91]), "91.0 % (one seed)");
	});
});

describe("a difference", () => {
	test("of the same accuracies is within luck", () => {
		assert.deepEqual(verdicts(runOf(900, 1000), runOf(900, 1000, other)), ["within the luck of the test images"]);
	});

	test("of 95 % and 60 % of 1000 images is more than their luck, and that of one seed is unknown", () => {
		assert.deepEqual(verdicts(runOf(600, 1000), runOf(950, 1000, other)), [
			"more than the luck of the test images; the luck of seeds is unknown: run B and A again with other seeds (npm start -- --seed 43 …)",
		]);
		assert.deepEqual(verdicts(runOf(600, 1000), runOf(605, 1000, { seed: 46 }), runOf(950, 1000, other)), [
			"more than the luck of the test images; the luck of seeds is unknown: run C again with other seeds (npm start -- --seed 47 …)",
		]);
		assert.deepEqual(verdicts(runOf(6, 10), runOf(9, 10, other)), ["within the luck of the test images"]);
	});

	const seeds = (hits: number[], parameters: object = {}, total = 1000) =>
		hits.map((one, i) => runOf(one, total, { ...parameters, seed: i }));

	test("between seeds that agree is more than luck of both kinds, between seeds that do not is within theirs", () => {
		const [found] = luck(...seeds([600, 605, 598]), ...seeds([950, 948, 951], other)).comparisons;
		assert.equal(found.verdict, "more than the luck of test images and seeds");
		assert.deepEqual([found.best.label, found.other.label], ["D–F", "A–C"]);
		assert.deepEqual(verdicts(...seeds([400, 850]), ...seeds([950, 800], other)), ["within the luck of seeds"]);
		assert.deepEqual(verdicts(...seeds([899, 900]), ...seeds([905, 906], other)), [
			"within the luck of the test images",
		]);
	});

	test("can be more than the luck of either kind, and within that of both", () => {
		const [found] = luck(...seeds([870, 886, 861, 884]), ...seeds([902, 914, 899, 903], other)).comparisons;
		assert.ok(found.byImages.low > 0 && found.bySeeds!.low > 0 && found.byBoth!.low < 0, JSON.stringify(found.byBoth));
		assert.equal(found.verdict, "more than the luck of either, within that of test images and seeds together");
	});

	test("has its intervals: Newcombe's of the mean accuracies, Welch's of the seeds, and both added in squares", () => {
		const [found] = luck(...seeds([880, 900]), ...seeds([910, 930], other)).comparisons;
		assert.deepEqual(found.byImages, proportionDifferenceConfint(920, 1000, 890, 1000));
		// scipy.stats.ttest_ind([0.91, 0.93], [0.88, 0.9], equal_var=False).confidence_interval()
		assert.ok(Math.abs(found.bySeeds!.low + 0.03084869844593311) < 1e-12);
		assert.ok(Math.abs(found.loss!.high - 0.03084869844593311) < 1e-12);
		const { byImages, bySeeds, byBoth, difference } = found;
		const squares = (difference - byImages.low) ** 2 + (difference - bySeeds!.low) ** 2;
		assert.ok(Math.abs((difference - byBoth!.low) ** 2 - squares) < 1e-12);
		assert.match(
			luckLines(luck(...seeds([880, 900]), ...seeds([910, 930], other)))[0],
			/; test loss −0\.0300, within /,
		);
	});

	test("of several seeds is no more certain of the test images than one of them", () => {
		const width = ({ low, high }: { low: number; high: number }) => high - low;
		const [many] = luck(...seeds(Array(9).fill(880)), ...seeds(Array(9).fill(910), other)).comparisons;
		const [one] = luck(runOf(880, 1000), runOf(910, 1000, other)).comparisons;
		assert.ok(Math.abs(width(many.byImages) - width(one.byImages)) < 1e-12);
	});

	test("knows whether the test images were the same", () => {
		const same = (a: NamedRun, b: NamedRun) => luck(a, b).comparisons[0].sameImages;
		const [data, others] = ["0", "1"].map((digit) => [
			images("train", digit.repeat(64)),
			images("test", "0".repeat(64)),
		]);
		const of = (origin: object) => runOf(900, 1000, other, origin);
		assert.equal(same(runOf(900, 1000), of({})), null);
		assert.equal(same(runOf(900, 1000), runOf(90, 100, other)), false);
		assert.equal(same(runOf(900, 1000, {}, originOf(data)), of(originOf(others))), true);
		const tested = [images("test", "2".repeat(64))];
		assert.equal(same(runOf(900, 1000, {}, originOf(data)), of(originOf(tested))), false);
		assert.equal(same(runOf(900, 1000, {}, originOf(data)), of(originOf(null))), null);
	});
});

describe("several comparisons", () => {
	test("are with the most accurate, each at the level of all pairs", () => {
		const runs = [900, 940, 920, 910].map((hits, i) => runOf(hits, 1000, { epochs: i + 1 }));
		const { comparisons, pairs } = luck(...runs);
		assert.equal(pairs, 6);
		assert.deepEqual(
			comparisons.map(({ best, other }) => best.label + other.label),
			["BA", "BC", "BD"],
		);
		assert.deepEqual(comparisons[1].byImages, proportionDifferenceConfint(940, 1000, 920, 1000, { alpha: 0.05 / 6 }));
	});

	test("of equal networks find a difference in less than one page of twenty, also of ten of them", () => {
		const below = randomIntegers(7);
		const drawn = () => Array.from({ length: 200 }, () => below(10)).filter((digit) => digit > 0).length;
		const pages = Array.from({ length: 400 }, () =>
			verdicts(...Array.from({ length: 10 }, (_, i) => runOf(drawn(), 200, { epochs: i + 1 }))),
		);
		const wrong = pages.filter((found) => found.some((verdict) => !verdict.startsWith("within"))).length;
		assert.ok(wrong <= 20, `${wrong} of 400`);
	});
});

test("runs without an evaluation take no part", () => {
	const none = { test: null, confusionMatrix: null };
	const { notRun, comparisons } = luck(runOf(9, 10, {}, none), runOf(9, 10));
	assert.deepEqual([notRun.map(({ label }) => label), comparisons], [["A"], []]);
	assert.deepEqual(luckLines(luck(runOf(9, 10, {}, none), runOf(9, 10))), [
		"B is the only run with an evaluation: npm start makes whole runs",
		"A: not run, and not compared",
	]);
	assert.deepEqual(luckLines(luck(runOf(9, 10, {}, none), runOf(9, 10, {}, none))), [
		"No run has an evaluation to compare: npm start makes whole runs",
	]);
	// As an earlier version or a hand has left it.
	for (const accuracy of [2, -1, Number.NaN, undefined]) {
		const test = { accuracy } as NamedRun["test"];
		assert.equal(luck(runOf(9, 10), runOf(9, 10, other, { test })).notRun.length, 1);
	}
});

test("numbers have their sign, and none where they are 0 as shown", () => {
	assert.deepEqual(
		[0.25, -0.25, 0, -0.00001].map((value) => signed(value)),
		["+0.2500", "−0.2500", "0.0000", "0.0000"],
	);
});
