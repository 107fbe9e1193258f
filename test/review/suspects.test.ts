import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { DuplicateSet } from "../../src/cleaning/duplicates";
import type { FeatureMatrix } from "../../src/review/features";
import { findSuspects, type Suspect, type SuspectSources } from "../../src/review/suspects";

const dataset = "/data";
const classNames = ["cat", "dog"];
const relative = Array.from({ length: 40 }, (_, i) => `train/${classNames[i % 2]}/${i}.jpg`);
const files = relative.map((path, i) => ({ path: join(dataset, path), label: i % 2 }));
const pathOf = (i: number) => files[i].path;

/** Probabilities that agree with the labels, except where others are given for the label. */
function probabilitiesWith(own: Record<number, number>): number[][] {
	return files.map(({ label }, i) => {
		const p = own[i] ?? 0.9 + i / 1000;
		return label === 0 ? [p, 1 - p] : [1 - p, p];
	});
}

const setOf = (paths: string[], kind: DuplicateSet["kind"] = "near"): DuplicateSet => ({
	...{ paths, kind },
	splits: [...new Set(paths.map((path) => path.split("/")[0]))].sort(),
	classes: [...new Set(paths.map((path) => path.split("/")[1]))].sort(),
});

/** Features of images that are alike, except the last one. */
function features(): FeatureMatrix {
	const rows = files.map((_, i) => (i === 39 ? [0, 0, 1] : [1, 0.001 * i, 0.1 + (i % 5) / 100]));
	return { values: Float32Array.from(rows.flat()), images: rows.length, length: 3 };
}

const only = (suspects: Suspect[], kind: Suspect["kind"]) => suspects.filter((suspect) => suspect.kind === kind);
const find = (sources: Partial<SuspectSources>, options = {}) =>
	findSuspects({ files, classNames, dataset, ...sources }, options);

describe("suspects", () => {
	test("label issues come first, the worst first, with the class that a model says", async () => {
		const suspects = await find({ probabilities: probabilitiesWith({ 4: 0.02, 7: 0.01, 11: 0.7, 12: 0.6 }) });
		assert.deepEqual(suspects[0], {
			...{ path: pathOf(7), label: "dog", suggested: "cat", kind: "label issue", score: 0.01 },
			why: "A model that has not seen it says cat 99.0 %, dog 1.0 %.",
			neighbours: [],
		});
		assert.deepEqual([suspects[1].path, suspects[1].kind], [pathOf(4), "label issue"]);
		const rest = suspects.slice(2);
		assert.ok(rest.length === 2 && rest.every(({ kind }) => kind === "least certain"));
		assert.ok(rest.every(({ score }, i) => i === 0 || score >= rest[i - 1].score));
	});

	test("the least certain has the smallest margin, and a suggestion only if it is another class", async () => {
		const [, ...suspects] = await find({ probabilities: probabilitiesWith({ 4: 0.05, 9: 0.51 }) });
		const { path, score, suggested, why } = only(suspects, "least certain")[0];
		assert.deepEqual([path, suggested], [pathOf(9), null]);
		assert.ok(Math.abs(score - 0.02) < 1e-9);
		assert.equal(why, "A model that has not seen it hesitates: dog 51.0 %, cat 49.0 %.");
	});

	test("of a label conflict all images are shown, the least probable label first", async () => {
		const probabilities = probabilitiesWith({ 2: 0.4 });
		const suspects = await find(
			{ probabilities, duplicates: [setOf([relative[2], relative[3]], "exact")] },
			{ most: { "label issue": 0 } },
		);
		const conflicts = only(suspects, "label conflict");
		assert.deepEqual(
			conflicts.map(({ path, suggested, neighbours, why }) => ({ path, suggested, neighbours, why })),
			[
				{
					...{ path: pathOf(2), suggested: "dog", neighbours: [pathOf(3)] },
					why: "The same file as train/dog/3.jpg, labelled dog.",
				},
				{
					...{ path: pathOf(3), suggested: null, neighbours: [pathOf(2)] },
					why: "The same file as train/cat/2.jpg, labelled cat.",
				},
			],
		);
	});

	test("a conflict that is corrected is none", async () => {
		const corrected = files.map((file, i) => (i === 3 ? { ...file, label: 0 } : file));
		const suspects = await find({ files: corrected, duplicates: [setOf([relative[2], relative[3]])] });
		assert.deepEqual(
			suspects.map(({ path, kind }) => [path, kind]),
			[[pathOf(3), "near duplicate"]],
		);
	});

	test("of a leak the images outside of the training split are shown, or those that are there", async () => {
		const leak = setOf([relative[2], "test/cat/copy.jpg"], "mirrored");
		const [own] = await find({ duplicates: [leak] });
		assert.deepEqual([own.path, own.kind, own.neighbours], [pathOf(2), "leak", ["/data/test/cat/copy.jpg"]]);
		assert.equal(own.why, "A mirrored copy of test/cat/copy.jpg, of another split.");
		const all = [...files, { path: "/data/test/cat/copy.jpg", label: 0 }];
		const suspects = await find({ files: all, duplicates: [leak] });
		assert.deepEqual(
			suspects.map(({ path }) => path),
			["/data/test/cat/copy.jpg"],
		);
	});

	test("of near duplicates all but the first are shown; large sets are no copies", async () => {
		const duplicates = [setOf([relative[0], relative[2], relative[4]]), setOf(relative.filter((_, i) => i % 2))];
		const suspects = await find({ duplicates, features: features() });
		const copies = only(suspects, "near duplicate");
		assert.deepEqual(new Set(copies.map(({ path }) => path)), new Set([pathOf(2), pathOf(4)]));
		for (const { path, neighbours } of copies) assert.ok(neighbours.length === 5 && !neighbours.includes(path));
		assert.equal(copies[0].neighbours[0], pathOf(0));
	});

	test("outliers are far from their nearest images", async () => {
		const suspects = await find({ features: features() });
		assert.deepEqual(
			suspects.map(({ path, kind }) => [path, kind]),
			[[pathOf(39), "outlier"]],
		);
		assert.ok(suspects[0].score >= 0 && suspects[0].score < 0.2);
		assert.match(suspects[0].why, /^Unlike the others: its nearest images are \d+\.\d times as far away as usual\.$/);
	});

	test("an image is shown once, by its strongest reason; limits and exceptions count", async () => {
		const sources = {
			probabilities: probabilitiesWith({ 2: 0.01, 8: 0.02, 20: 0.5, 21: 0.55, 22: 0.6, 23: 0.65 }),
			duplicates: [setOf([relative[2], relative[3]]), setOf([relative[10], "valid/cat/1.jpg"])],
			features: features(),
		};
		const suspects = await find(sources);
		assert.equal(new Set(suspects.map(({ path }) => path)).size, suspects.length);
		assert.deepEqual(
			[...new Set(suspects.map(({ kind }) => kind))],
			["label issue", "label conflict", "leak", "outlier", "least certain"],
		);
		assert.ok(suspects.every(({ score }) => score >= 0 && score <= 1));
		const few = await find(sources, {
			most: { "label issue": 1, "least certain": 3 },
			except: [`/data/./${relative[2]}`],
		});
		assert.deepEqual(
			only(few, "label issue").map(({ path }) => path),
			[pathOf(8)],
		);
		assert.equal(only(few, "least certain").length, 3);
		assert.equal((await find(sources, { most: 0 })).length, 0);
	});

	test("nothing is known of no images, and rows have to fit", async () => {
		assert.deepEqual(await find({}), []);
		assert.deepEqual(await find({ files: [] }), []);
		await assert.rejects(find({ probabilities: [[1, 0]] }), /1 rows of probabilities for 40 files/);
		await assert.rejects(
			find({ features: { values: new Float32Array(2), images: 1, length: 2 } }),
			/1 rows of features for 40/,
		);
	});
});
