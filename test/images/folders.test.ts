import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import seedrandom from "seedrandom";
import { cleanTheData } from "../../src/cleaning/clean";
import { findIssues } from "../../src/cleaning/issues";
import { quarantined, restore } from "../../src/cleaning/quarantine";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { countImages } from "../../src/datasets/directory";
import { fingerprint } from "../../src/datasets/fingerprint";
import { filesIn, isImageFile, resolveSplit, splitFolder } from "../../src/images/folders";
import { imageFolder, printed, temporaryFolder } from "../helpers";

process.env.XDG_CACHE_HOME = temporaryFolder();
const good = join(imageFolder, "cats", "plain.jpg");
const TREES = 40;

/** What a class folder can hold besides images, each made at a path without extension. */
const THINGS: ((path: string, folder: string) => void)[] = [
	(path) => writeFileSync(`${path}.jpg`, "not an image"),
	(path) => writeFileSync(`${path}.png`, ""),
	(path) => writeFileSync(`${path}.txt`, "notes"),
	(path) => execFileSync("mkfifo", [`${path}.jpg`]),
	(path) => execFileSync("mkfifo", [`${path}.txt`]),
	(path) => symlinkSync(`${path}.jpg`, `${path}.jpg`),
	(path) => symlinkSync("nowhere.jpg", `${path}.jpg`),
	(path) => symlinkSync("/dev/zero", `${path}.jpg`),
	(path) => symlinkSync("x".repeat(300), `${path}.jpg`),
	(path) => symlinkSync(good, `${path}.jpg`),
	(path, folder) => symlinkSync(folder, path),
	(path) => mkdirSync(`${path}.jpg`),
	(path) => withImage(join(path, "deep", "er")),
	(path) =>
		renameSync(withImage(path), Buffer.concat([Buffer.from(`${path}/caf`), Buffer.of(0xe9, 0x2e, 0x6a, 0x70, 0x67)])),
	(_, folder) => cpSync(good, join(folder, ".hidden.jpg")),
	(_, folder) => writeFileSync(join(folder, "._good.jpg"), "an AppleDouble file"),
	(_, folder) => withImage(join(folder, ".ipynb_checkpoints")),
	(_, folder) => withImage(join(folder, "@eaDir")),
	(_, folder) => withImage(join(folder, "__MACOSX")),
];

function withImage(folder: string): string {
	mkdirSync(folder, { recursive: true });
	cpSync(good, join(folder, "good.jpg"));
	return join(folder, "good.jpg");
}

/** Makes a split with two to four classes, some of them links, and returns its folder. */
function randomTree(seed: number): string {
	const random = seedrandom(String(seed));
	const below = (n: number) => Math.floor(random() * n);
	const root = temporaryFolder();
	const folder = join(root, "train");
	mkdirSync(folder);
	const names = ["cats", "e\u0301toile", "a b", "007", "__proto__", "🐱"].slice(below(3)).slice(0, 2 + below(3));
	for (const name of names) {
		const isLink = random() < 0.3;
		const place = isLink ? join(root, "store", name) : join(folder, name);
		withImage(place);
		if (isLink) symlinkSync(place, join(folder, name));
		for (let i = below(8); i > 0; i--) THINGS[below(THINGS.length)](join(place, `thing ${i}`), place);
	}
	if (random() < 0.3) withImage(join(folder, ".ipynb_checkpoints"));
	if (random() < 0.3) symlinkSync(folder, join(folder, "loop"));
	return folder;
}

/** Returns the sorted hashes of a folder's files, as `contents`, which cannot open names that are not UTF-8. */
function hashes(folder: string): string[] {
	const find = [folder, "-type", "f", "-not", "-name", "manifest.jsonl", "-exec", "sha256sum", "{}", "+"];
	const lines = execFileSync("find", find, { encoding: "latin1" }).trim().split("\n");
	return lines.map((line) => line.replace("\\", "").slice(0, 64)).sort();
}

describe("one walk over a data set", () => {
	test(`training reads what cleaning kept, counting counts and the issue search knows: ${TREES} random trees`, async () => {
		for (let seed = 0; seed < TREES; seed++) {
			const folder = randomTree(seed);
			const before = hashes(join(folder, ".."));
			let removed = 0;
			await printed(async () => {
				removed = await cleanTheData(folder, { onProgress: null });
			});
			const data = imageDatasetFromDirectory(folder, { imageSize: [8, 8], shuffle: false, verbose: false });
			let read = 0;
			await data.forEachAsync(({ xs, ys }) => {
				read += xs.shape[0];
				tf.dispose([xs, ys]);
			});
			const counted = countImages(join(folder, ".."), ["train"]).reduce((sum, { images }) => sum + images, 0);
			assert.deepEqual([read, counted], [data.filePaths.length, data.filePaths.length], `tree ${seed}`);
			const walked = [...filesIn(folder)].filter(isImageFile);
			assert.deepEqual([...data.filePaths].sort(), walked.sort(), `tree ${seed}`);
			await printed(async () => {
				const { table } = await findIssues(folder, { onProgress: null });
				assert.equal(table.shape[0], read, `tree ${seed}`);
				assert.equal(await cleanTheData(folder, { onProgress: null }), 0, `tree ${seed}`);
			});
			assert.match(await fingerprint(join(folder, ".."), ["train"]), /^[0-9a-f]{64}$/);
			assert.equal(quarantined(folder).length, removed, `tree ${seed}`);
			assert.deepEqual(hashes(join(folder, "..")), before, `tree ${seed}`);
			assert.equal(restore(folder), removed, `tree ${seed}`);
		}
	});

	test("a damaged file in a class folder that is a link is set aside, and restored", async () => {
		const root = temporaryFolder();
		withImage(join(root, "set", "train", "a"));
		withImage(join(root, "store"));
		writeFileSync(join(root, "store", "cut.jpg"), "");
		symlinkSync("../../store", join(root, "set", "train", "b"));
		const folder = join(root, "set", "train");
		const text = await printed(() => cleanTheData(folder));
		assert.match(text, /Removing corrupt image: .*b.cut\.jpg \(empty: 0 bytes\)\nCleaned 1 corrupt images/);
		assert.equal(imageDatasetFromDirectory(folder, { verbose: false }).filePaths.length, 2);
		assert.equal(restore(folder), 1);
	});

	test("a name that is not UTF-8 is reported by cleaning, and comes back with its bytes percent-encoded", async () => {
		const folder = temporaryFolder();
		for (const name of ["a", "b"]) withImage(join(folder, name));
		const bytes = Buffer.concat([Buffer.from(join(folder, "a", "caf")), Buffer.of(0xe9), Buffer.from(".jpg")]);
		renameSync(withImage(join(folder, "c")), bytes);
		cpSync(good, join(folder, "c", "good.jpg"));
		assert.throws(
			() => imageDatasetFromDirectory(folder),
			/caf\ufffd\.jpg: the file's name is not UTF-8; run cleanTheData/,
		);
		assert.match(await printed(() => cleanTheData(folder)), /caf\ufffd\.jpg \(unreadable: its name is not UTF-8\)/);
		assert.equal(imageDatasetFromDirectory(folder, { verbose: false }).filePaths.length, 3);
		assert.deepEqual(
			quarantined(folder).map(({ path, bytes }) => [path, bytes]),
			[["a/caf%E9.jpg", 0]],
		);
		assert.equal(restore(folder), 1);
		assert.equal(imageDatasetFromDirectory(folder, { verbose: false }).filePaths.length, 4);
		renameSync(join(folder, "c"), Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xe9)]));
		assert.throws(() => imageDatasetFromDirectory(folder), /the folder's name is not UTF-8; rename it/);
		await assert.rejects(cleanTheData(folder), /the folder's name is not UTF-8; rename it/);
	});
});

describe("split folders", () => {
	test("val and validation are understood as valid, but not two of them", async () => {
		for (const name of ["val", "validation"]) {
			const dataset = temporaryFolder();
			for (const split of ["train", name]) cpSync(imageFolder, join(dataset, split), { recursive: true });
			writeFileSync(join(dataset, name, "cats", "empty.jpg"), "");
			assert.equal(splitFolder(dataset, "valid"), join(dataset, name));
			const text = await printed(() => cleanTheData(join(dataset, "valid")));
			assert.match(text, /Cleaned 1 corrupt images/);
			assert.equal(quarantined(join(dataset, "valid")).length, 1);
			const data = imageDatasetFromDirectory(join(dataset, "valid"), { verbose: false });
			assert.equal(data.directory, join(dataset, name));
			assert.ok(countImages(dataset, ["train", "valid"]).some(({ split }) => split === "valid"));
			const issues = await findIssues(dataset, { onProgress: null });
			assert.deepEqual([...new Set(issues.table.column("split").values as string[])], ["train", "valid"]);
			assert.equal(resolveSplit(join(dataset, "test")), join(dataset, "test"));
			mkdirSync(join(dataset, "valid"));
			assert.throws(() => countImages(dataset), new RegExp(`has the folders valid and ${name}: keep one of them`));
		}
	});
});
