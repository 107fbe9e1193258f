// Unlabelled images beside the splits: decided ones are training images, and the others disturb nothing.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { cleanTheData } from "../../src/cleaning/clean";
import { findIssues } from "../../src/cleaning/issues";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { countImages } from "../../src/datasets/directory";
import { fingerprint } from "../../src/datasets/fingerprint";
import { journalPath, openJournal, readJournal } from "../../src/datasets/journal";
import { unlabelledImages } from "../../src/images/folders";
import { printed, readJsonLines, root, runAtOnce, smallDataset } from "../helpers";

const quiet = { verbose: false, shuffle: false, imageSize: [4, 4] as [number, number] };
const SPLITS = ["train", "valid"];

/** A data set of cats and dogs with unlabelled images, all different: two at the top, two in a folder, and a text. */
async function dataset(names = ["0.png", "1.png", "by camera/2.png", "by camera/dogs/3.png"]): Promise<string> {
	const folder = smallDataset();
	for (const [i, name] of names.entries()) {
		const file = join(folder, "unlabelled", name);
		mkdirSync(dirname(file), { recursive: true });
		const background = { r: 40 * i, g: 90, b: 200 };
		await sharp({ create: { width: 9, height: 8, channels: 3, background } })
			.png()
			.toFile(file);
	}
	writeFileSync(join(folder, "unlabelled", "notes.txt"), "no image");
	return folder;
}

/** The images of a split that are in `unlabelled`, with their classes. */
function addedTo(folder: string, split = "train", options = {}): Record<string, string> {
	const { filePaths, labels, classNames } = imageDatasetFromDirectory(join(folder, split), { ...quiet, ...options });
	const own = filePaths.map((path, i) => [path.slice(folder.length + 1), classNames[labels[i]]]);
	return Object.fromEntries(own.filter(([path]) => path.startsWith("unlabelled/")));
}

const decided = (folder: string, names: string[], to: string | null) =>
	openJournal(folder).decideAll(
		names.map((name) => ({ path: join(folder, "unlabelled", name), to, proposedBy: "person" })),
	);

describe("unlabelled images", () => {
	test("are listed at any depth, and disturb nothing while they are undecided", async () => {
		const folder = await dataset();
		const names = unlabelledImages(folder).map((path) => path.slice(folder.length + 1));
		assert.deepEqual(
			names,
			["0.png", "1.png", "by camera/2.png", "by camera/dogs/3.png"].map((n) => `unlabelled/${n}`),
		);
		const [counts, hash] = [countImages(folder, SPLITS), await fingerprint(folder)];
		const { table } = await findIssues(folder, { onProgress: null });
		rmSync(join(folder, "unlabelled"), { recursive: true });
		assert.deepEqual([unlabelledImages(folder), countImages(folder, SPLITS)], [[], counts]);
		assert.equal(await fingerprint(folder), hash);
		assert.equal((await findIssues(folder, { onProgress: null })).table.shape[0], table.shape[0]);
		assert.deepEqual([...new Set(counts.map((row) => row.class))], ["cats", "dogs"]);
	});

	test("are training images of the class that was decided, in its order, and no validation images", async () => {
		const folder = await dataset();
		const before = await fingerprint(folder);
		const [count] = countImages(folder, ["train"]);
		await decided(folder, ["1.png", "by camera/dogs/3.png"], "cats");
		await decided(folder, ["0.png"], "dogs");
		await decided(folder, ["by camera/2.png"], null);
		const expected = {
			"unlabelled/0.png": "dogs",
			"unlabelled/1.png": "cats",
			"unlabelled/by camera/dogs/3.png": "cats",
		};
		assert.deepEqual(addedTo(folder), expected);
		assert.deepEqual([addedTo(folder, "valid"), addedTo(folder, "train", { labels: "folders" })], [{}, {}]);
		const { labels } = imageDatasetFromDirectory(join(folder, "train"), quiet);
		assert.deepEqual(labels, [...labels].sort());
		assert.deepEqual(countImages(folder, ["train"])[0], { ...count, images: count.images + 2 });
		assert.notEqual(await fingerprint(folder), before);
		assert.equal(await fingerprint(folder, ["valid"]), await fingerprint(smallDataset(), ["valid"]));
		const lines = await printed(() => imageDatasetFromDirectory(join(folder, "train"), { ...quiet, verbose: true }));
		assert.match(lines, /labels\.jsonl: 3 unlabelled images labelled\.$/m);
		const [decision] = openJournal(folder).decisions();
		assert.deepEqual([decision.path, decision.from, decision.to], ["unlabelled/1.png", null, "cats"]);
		await openJournal(folder).undoAll(unlabelledImages(folder));
		assert.deepEqual([addedTo(folder), await fingerprint(folder)], [{}, before]);
	});

	test("are in the training subset of train, never in both", async () => {
		const folder = await dataset();
		await decided(folder, ["0.png"], "dogs");
		const part = { validationSplit: 0.3, seed: 2 };
		assert.deepEqual(addedTo(folder, "train", { ...part, subset: "validation" }), {});
		assert.deepEqual(addedTo(folder, "train", { ...part, subset: "training" }), { "unlabelled/0.png": "dogs" });
	});

	test("decided again have their class from before; left out they have none again", async () => {
		const folder = await dataset();
		const [first] = await decided(folder, ["0.png"], "dogs");
		const [second] = await decided(folder, ["0.png"], null);
		const [third] = await decided(folder, ["0.png"], "cats");
		assert.deepEqual([first.from, second.from, third.from], [null, "dogs", null]);
		assert.deepEqual(addedTo(folder), { "unlabelled/0.png": "cats" });
	});

	test("that were renamed are found, and in train when they were moved there; changed and unknown ones are named", async () => {
		const folder = await dataset();
		const at = (name: string) => join(folder, "unlabelled", name);
		await decided(folder, ["0.png", "1.png", "by camera/2.png"], "dogs");
		renameSync(at("0.png"), at("by camera/other.png"));
		renameSync(at("1.png"), join(folder, "train", "cats", "from-outside.png"));
		assert.deepEqual(addedTo(folder), {
			"unlabelled/by camera/other.png": "dogs",
			"unlabelled/by camera/2.png": "dogs",
		});
		const { filePaths, labels } = imageDatasetFromDirectory(join(folder, "train"), quiet);
		assert.equal(labels[filePaths.findIndex((path) => path.endsWith("from-outside.png"))], 1);
		cpSync(at("by camera/dogs/3.png"), at("by camera/2.png"));
		await decided(folder, ["by camera/dogs/3.png"], "birds");
		const lines = await printed(() => imageDatasetFromDirectory(join(folder, "train"), { ...quiet, verbose: true }));
		assert.match(
			lines,
			/1 files have changed since their decision: review them again, 1 decisions are for the class birds/,
		);
		assert.deepEqual(addedTo(folder), { "unlabelled/by camera/other.png": "dogs" });
	});

	test("with the same content are decided each by itself", async () => {
		const folder = await dataset();
		cpSync(join(folder, "unlabelled", "0.png"), join(folder, "unlabelled", "copy.png"));
		await decided(folder, ["copy.png"], "cats");
		assert.deepEqual(addedTo(folder), { "unlabelled/copy.png": "cats" });
		await decided(folder, ["0.png"], "dogs");
		assert.deepEqual(addedTo(folder), { "unlabelled/0.png": "dogs", "unlabelled/copy.png": "cats" });
	});

	test("are decided together or not at all when one cannot be read", async () => {
		const folder = await dataset();
		await assert.rejects(decided(folder, ["0.png", "missing.png", "1.png"], "dogs"), /missing\.png/);
		assert.deepEqual(openJournal(folder).decisions(), []);
	});

	test("of several processes at once are all kept", async () => {
		const folder = await dataset();
		const program = `
			const { openJournal } = require(${JSON.stringify(join(root, "src", "datasets", "journal.ts"))});
			const { unlabelledImages } = require(${JSON.stringify(join(root, "src", "images", "folders.ts"))});
			const paths = unlabelledImages(${JSON.stringify(folder)});
			(async () => {
				for (let i = 0; i < 20; i++)
					await openJournal(${JSON.stringify(folder)}).decideAll(paths.map((path) => ({
						path, to: "dogs", proposedBy: "person", note: "x".repeat(3000) + process.argv[1] + i })));
			})();`;
		await runAtOnce(program, ["a", "b"]);
		const { file } = openJournal(folder);
		const written = readJsonLines(file).map(({ path, note }) => `${path} ${note.replaceAll("x", "")}`);
		const notes = ["a", "b"].flatMap((name) => Array.from({ length: 20 }, (_, i) => `${name}${i}`));
		const images = unlabelledImages(folder).map((path) => journalPath(folder, path));
		const expected = images.flatMap((image) => notes.map((note) => `${image} ${note}`));
		assert.deepEqual(written.sort(), expected.sort());
		assert.deepEqual([readJournal(file).decisions.length, readJournal(file).damaged], [4, 0]);
		assert.equal(Object.keys(addedTo(folder)).length, 4);
	});

	test("can be cleaned like a split", async () => {
		const folder = await dataset();
		writeFileSync(join(folder, "unlabelled", "broken.png"), "no image");
		await printed(() => cleanTheData(join(folder, "unlabelled")));
		assert.equal(unlabelledImages(folder).length, 4);
	});
});
