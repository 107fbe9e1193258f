// The sample data set: what `cleanTheData` and `findIssues` find of the faults that its manifest lists.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import sharp from "sharp";
import { cleanTheData, findIssues } from "../../src/cleaning";
import { SPLITS } from "../../src/images/folders";
import { auc, rocCurve } from "../../src/metrics";
import { makeSampleDataset } from "../../tools/data/sample-dataset";
import type { Fault } from "../../tools/data/sample-faults";
import { contents, temporaryFolder } from "../helpers";

const silent = { onProgress: null, cache: false };
const files = (folder: string) => readdirSync(folder, { recursive: true }).map(String);

describe("the sample data set", () => {
	const dataset = join(temporaryFolder(), "dataset");
	let faults: Fault[];
	const of = (...kinds: Fault["kind"][]) => faults.filter(({ kind }) => kinds.includes(kind));

	before(async () => {
		await makeSampleDataset(dataset);
		faults = JSON.parse(readFileSync(join(dataset, "sample.json"), "utf8")).faults;
	});

	test("has 2,800 images, three of ten cracked, and ten corrupt files", () => {
		const counts = SPLITS.map((split) =>
			["cracked", "intact"].map((name) => readdirSync(join(dataset, split, name)).length),
		);
		const corrupt = [3, 3, 1, 1, 1, 1];
		assert.deepEqual(
			counts.flat().map((count, i) => count - corrupt[i]),
			[600, 1400, 120, 280, 120, 280],
		);
		for (const { file, of: original } of faults) {
			for (const path of [file, original ?? file]) assert.ok(existsSync(join(dataset, path)), path);
		}
		assert.equal(new Set(faults.map(({ file }) => file)).size, faults.length);
	});

	test("cleaning removes each corrupt file and no sound one", async () => {
		const before = files(dataset);
		for (const split of SPLITS) await cleanTheData(join(dataset, split), { ...silent, permanently: true });
		const after = new Set(files(dataset));
		const removed = before.filter((file) => !after.has(file));
		assert.deepEqual(
			removed.sort(),
			of("corrupt")
				.map(({ file }) => file)
				.sort(),
		);
	});

	test("the issue report finds each leak, conflict, duplicate and bad photograph", async () => {
		const { table } = await findIssues(dataset, { onProgress: null });
		const paths: string[] = table.column("path").values as string[];
		const found = (column: string) => {
			const flags = table.column(column).values as boolean[];
			return new Set(paths.filter((_, i) => flags[i]));
		};
		const checks: [string, Fault[]][] = [
			["isLeakageIssue", of("leak")],
			["isLabelConflictIssue", of("label conflict")],
			["isExactDuplicatesIssue", faults.filter(({ detail }) => detail === "the same bytes")],
			["isNearDuplicatesIssue", of("near duplicate")],
			["isDarkIssue", of("dark")],
			["isLightIssue", of("light")],
			["isBlurryIssue", of("blurry")],
			["isLowInformationIssue", of("low information")],
			["isOddSizeIssue", of("odd size")],
			["isOddAspectRatioIssue", of("odd aspect ratio")],
		];
		for (const [column, expected] of checks) {
			const flagged = found(column);
			assert.ok(expected.length > 0, column);
			for (const { file, of: original } of expected) {
				assert.ok(flagged.has(file), `${column}: ${file}`);
				if (original) assert.ok(flagged.has(original), `${column}: ${original}`);
			}
			// Few others: lens caps are dark too, and unrelated surfaces may look alike.
			const planted = new Set(expected.flatMap(({ file, of: original }) => [file, original]));
			const others = [...flagged].filter((file) => !planted.has(file));
			assert.ok(others.length <= 30, `${column}: ${others.join(", ")}`);
		}
		for (const column of ["isGrayscaleIssue", "isOrientationIssue"]) assert.ok(found(column).size > 50, column);
	});

	test("neither colour, size nor bytes of an image tell its class", async () => {
		const corrupt = new Set(of("corrupt").map(({ file }) => file));
		const decodable = (name: string) =>
			readdirSync(join(dataset, "train", name)).filter((file) => !corrupt.has(`train/${name}/${file}`));
		const rows: { cracked: number; values: number[] }[] = [];
		for (const name of ["cracked", "intact"]) {
			for (const file of decodable(name).slice(0, 400)) {
				const bytes = readFileSync(join(dataset, "train", name, file));
				const { width, height } = await sharp(bytes).metadata();
				// A grey image has one channel.
				const { channels } = await sharp(bytes).stats();
				const [red, green, blue] = [0, 1, 2].map((i) => (channels[i] ?? channels[0]).mean);
				rows.push({ cracked: Number(name === "cracked"), values: [red, green, blue, width * height, bytes.length] });
			}
		}
		const classes = rows.map(({ cracked }) => cracked);
		["red", "green", "blue", "pixels", "bytes"].forEach((what, i) => {
			const scores = rows.map(({ values }) => values[i]);
			const { fpr, tpr } = rocCurve(classes, scores);
			const area = auc(fpr, tpr);
			assert.ok(Math.abs(area - 0.5) < 0.1, `${what}: ${area.toFixed(3)}`);
		});
	});
});

test("the same seed draws the same bytes on any number of threads, another seed others", async () => {
	const counts = { train: 14, valid: 6, test: 6 };
	const [one, three, other] = await Promise.all(
		[{ workers: 1 }, { workers: 3 }, { seed: 7 }].map(async (options) => {
			const folder = join(temporaryFolder(), "dataset");
			await makeSampleDataset(folder, { counts, ...options });
			return contents(folder);
		}),
	);
	assert.deepEqual(one, three);
	assert.notDeepEqual(one, other);
});

test("a sample of an earlier version is recognised, whatever else its manifest holds", async () => {
	const folder = temporaryFolder();
	const old = { synthetic: true, generator: "tools/sample-dataset.mjs", seed: 42, broken: [] };
	writeFileSync(join(folder, "sample.json"), JSON.stringify(old));
	const counts = { train: 4, valid: 4, test: 4 };
	await makeSampleDataset(folder, { counts });
	assert.equal(JSON.parse(readFileSync(join(folder, "sample.json"), "utf8")).faults.length, 10);
	writeFileSync(join(folder, "sample.json"), "{}");
	await assert.rejects(makeSampleDataset(folder, { counts }), /already exists/);
});
