// The label journal: what it keeps, and what it does to the labels of a data set.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { countImages } from "../../src/datasets/directory";
import { fingerprint, fingerprints } from "../../src/datasets/fingerprint";
import { JOURNAL, openJournal, readJournal } from "../../src/datasets/journal";
import { printed, readJsonLines, root, runAtOnce, temporaryFolder } from "../helpers";

const quiet = { verbose: false, shuffle: false, imageSize: [4, 4] as [number, number] };

/** A data set of four images in each class of each split, all different. */
async function dataset(splits = ["train", "valid"], classes = ["cat", "dog"]): Promise<string> {
	const folder = temporaryFolder();
	let shade = 0;
	for (const split of splits)
		for (const name of classes) {
			mkdirSync(join(folder, split, name), { recursive: true });
			for (let i = 0; i < 4; i++) {
				const image = sharp({ create: { width: 5, height: 4, channels: 3, background: { r: shade++, g: 9, b: 200 } } });
				await image.png().toFile(join(folder, split, name, `${i}.png`));
			}
		}
	return folder;
}

/** The class of each file that is read, by its path in the folder. */
function labelsOf(folder: string, options = {}): Record<string, string> {
	const { filePaths, labels, classNames } = imageDatasetFromDirectory(folder, { ...quiet, ...options });
	return Object.fromEntries(filePaths.map((path, i) => [path.slice(folder.length + 1), classNames[labels[i]]]));
}

const byFolder = (classes = ["cat", "dog"]) =>
	Object.fromEntries(classes.flatMap((name) => [0, 1, 2, 3].map((i) => [`${name}/${i}.png`, name])));

describe("decisions on images", () => {
	test("change labels and leave images out, and nothing moves", async () => {
		const folder = await dataset();
		const train = join(folder, "train");
		const journal = openJournal(folder);
		await journal.decide({ path: join(train, "cat", "1.png"), to: "dog", proposedBy: "label issue", note: "a tail" });
		await journal.decide({ path: join(train, "dog", "2.png"), to: null, proposedBy: "near duplicate" });
		await journal.decide({ path: join(train, "dog", "3.png"), to: "dog", proposedBy: "least certain" });
		const { "dog/2.png": _, ...rest } = byFolder();
		assert.deepEqual(labelsOf(train), { ...rest, "cat/1.png": "dog" });
		assert.deepEqual(labelsOf(train, { labels: "folders" }), byFolder());
		assert.deepEqual(labelsOf(join(folder, "valid")), byFolder());
		const counts = countImages(folder, ["train", "valid"]).map(({ images }) => images);
		assert.deepEqual(counts, [3, 4, 4, 4]);
		const [line] = readFileSync(join(folder, JOURNAL), "utf8")
			.split("\n")
			.map((text) => text && JSON.parse(text));
		assert.deepEqual([line.path, line.from, line.to, line.note], ["train/cat/1.png", "cat", "dog", "a tail"]);
		const lines = await printed(() => imageDatasetFromDirectory(train, { ...quiet, verbose: true }));
		assert.match(lines, /labels\.jsonl: 1 label corrected, 1 image left out\.$/m);
	});

	test("are in the order of the classes, file by file, as if the image lay in the other folder", async () => {
		const folder = await dataset();
		const train = join(folder, "train");
		await openJournal(folder).decide({ path: join(train, "dog", "0.png"), to: "cat", proposedBy: "person" });
		const { labels } = imageDatasetFromDirectory(train, quiet);
		assert.deepEqual(labels, [0, 0, 0, 0, 0, 1, 1, 1]);
	});

	test("are replaced by later ones, and taken back", async () => {
		const folder = await dataset();
		const path = join(folder, "train", "cat", "0.png");
		const journal = openJournal(folder);
		await journal.decide({ path, to: "dog", proposedBy: "person" });
		const second = await journal.decide({ path, to: null, proposedBy: "person" });
		assert.equal(second.from, "dog");
		assert.deepEqual(journal.decisionOf(path), second);
		assert.equal(journal.decisions().length, 1);
		await journal.undo(path);
		await journal.undo(path);
		assert.equal(journal.decisionOf(path), null);
		assert.deepEqual(labelsOf(join(folder, "train")), byFolder());
		await journal.decide({ path, to: "dog", proposedBy: "person" });
		assert.equal(labelsOf(join(folder, "train"))["cat/0.png"], "dog");
		assert.equal(readFileSync(journal.file, "utf8").trimEnd().split("\n").length, 4);
	});

	test("of merged journals count by their time, whatever the order of the lines", async () => {
		const folder = await dataset();
		const path = join(folder, "train", "cat", "0.png");
		const journal = openJournal(folder);
		await journal.decide({ path, to: "dog", proposedBy: "person" });
		await journal.decide({ path, to: null, proposedBy: "person" });
		const lines = readFileSync(journal.file, "utf8").trimEnd().split("\n");
		writeFileSync(journal.file, `${lines.reverse().join("\n")}\n`);
		assert.equal(journal.decisionOf(path)?.to, null);
		// A clock that is ahead: what is decided here afterwards still counts.
		const ahead = { ...JSON.parse(lines[0]), to: "dog", time: "2999-01-01T00:00:00.000Z" };
		appendFileSync(journal.file, `${JSON.stringify(ahead)}\n`);
		await journal.undo(path);
		assert.equal(journal.decisionOf(path), null);
		await journal.decide({ path, to: null, proposedBy: "person" });
		assert.equal(journal.decisionOf(path)?.to, null);
	});

	test("survive a line that was cut off", async () => {
		const folder = await dataset();
		const train = join(folder, "train");
		const journal = openJournal(folder);
		await journal.decide({ path: join(train, "cat", "0.png"), to: "dog", proposedBy: "person" });
		appendFileSync(journal.file, '{"sha256":"12');
		await journal.decide({ path: join(train, "cat", "1.png"), to: "dog", proposedBy: "person" });
		appendFileSync(journal.file, '[]\nnull\n{"undo":true}\n');
		const { decisions, damaged } = readJournal(journal.file);
		assert.deepEqual([decisions.map(({ path }) => basename(path)), damaged], [["0.png", "1.png"], 4]);
		const lines = await printed(() => imageDatasetFromDirectory(train, { ...quiet, verbose: true }));
		assert.match(lines, /2 labels corrected, 4 lines are no decisions\.$/m);
	});

	test("are about a content: a file that has changed has its folder's class, one that moved is found", async () => {
		const folder = await dataset();
		const train = join(folder, "train");
		const journal = openJournal(folder);
		for (const i of [0, 1])
			await journal.decide({ path: join(train, "cat", `${i}.png`), to: "dog", proposedBy: "person" });
		cpSync(join(train, "dog", "3.png"), join(train, "cat", "0.png"));
		renameSync(join(train, "cat", "1.png"), join(train, "cat", "other.png"));
		const labels = labelsOf(train);
		assert.deepEqual([labels["cat/0.png"], labels["cat/other.png"]], ["cat", "dog"]);
		const lines = await printed(() => imageDatasetFromDirectory(train, { ...quiet, verbose: true }));
		assert.match(lines, /1 label corrected, 1 files have changed since their decision: review them again/);
	});

	test("follow an image that another split has put elsewhere, and not its copy", async () => {
		const folder = await dataset();
		const journal = openJournal(folder);
		const [cat, dog] = ["cat/0.png", "dog/0.png"].map((name) => join(folder, "train", name));
		for (const path of [cat, dog]) await journal.decide({ path, to: null, proposedBy: "leak" });
		renameSync(cat, join(folder, "valid", "cat", "moved.png"));
		cpSync(dog, join(folder, "valid", "dog", "copy.png"));
		const [train, valid] = ["train", "valid"].map((split) => labelsOf(join(folder, split)));
		assert.ok(!("cat/moved.png" in valid) && "dog/copy.png" in valid && !("dog/0.png" in train));
	});

	test("for a class that is no folder any more are named and ignored; a renamed folder's images are found", async () => {
		const folder = await dataset();
		const journal = openJournal(folder);
		const decide = (path: string, to: string | null) =>
			journal.decide({ path: join(folder, "train", path), to, proposedBy: "person" });
		await decide("cat/0.png", "dog");
		await decide("dog/1.png", null);
		renameSync(join(folder, "train", "dog"), join(folder, "train", "hound"));
		assert.deepEqual(Object.values(labelsOf(join(folder, "train"))), [
			"cat",
			"cat",
			"cat",
			"cat",
			"hound",
			"hound",
			"hound",
		]);
		const lines = await printed(() => imageDatasetFromDirectory(join(folder, "train"), { ...quiet, verbose: true }));
		assert.match(lines, /1 image left out, 1 decisions are for the class dog, which is no folder/);
	});

	test("know the usual name of a split that is called val, and one folder of classes", async () => {
		const folder = await dataset(["train", "val"]);
		await openJournal(folder).decide({ path: join(folder, "val", "cat", "0.png"), to: "dog", proposedBy: "person" });
		renameSync(join(folder, "val"), join(folder, "validation"));
		assert.equal(labelsOf(join(folder, "validation"))["cat/0.png"], "dog");
		const single = await dataset(["."]);
		const journal = openJournal(single);
		await journal.decide({ path: join(single, "cat", "2.png"), to: "dog", proposedBy: "person" });
		assert.equal(labelsOf(single)["cat/2.png"], "dog");
		assert.equal(journal.decisions()[0].path, "cat/2.png");
	});

	test("tell copies apart: one of two is left out", async () => {
		const folder = await dataset();
		const train = join(folder, "train");
		cpSync(join(train, "cat", "0.png"), join(train, "cat", "copy.png"));
		await openJournal(folder).decide({ path: join(train, "cat", "copy.png"), to: null, proposedBy: "near duplicate" });
		const labels = labelsOf(train);
		assert.ok("cat/0.png" in labels && !("cat/copy.png" in labels));
	});

	test("that leave a class without images are an error with what to do", async () => {
		const folder = await dataset();
		const journal = openJournal(folder);
		for (const i of [0, 1, 2, 3])
			await journal.decide({ path: join(folder, "train", "cat", `${i}.png`), to: null, proposedBy: "person" });
		assert.throws(() => labelsOf(join(folder, "train")), /labels\.jsonl leaves no images of cat in .*--undo/);
	});

	test("change the fingerprint, and back", async () => {
		const folder = await dataset();
		const splits = ["train", "valid"];
		const before = await fingerprint(folder);
		const rows = await fingerprints(folder, splits);
		const path = join(folder, "train", "cat", "0.png");
		const journal = openJournal(folder);
		await journal.decide({ path, to: "cat", proposedBy: "person" });
		assert.equal(await fingerprint(folder), before);
		await journal.decide({ path, to: "dog", proposedBy: "person" });
		const after = await fingerprint(folder);
		assert.notEqual(after, before);
		const changed = (await fingerprints(folder, splits)).filter(({ sha256 }, i) => sha256 !== rows[i].sha256);
		assert.deepEqual(
			changed.map((row) => [row.split, row.class, row.images]),
			[
				["train", "cat", 3],
				["train", "dog", 5],
			],
		);
		await journal.undo(path);
		assert.equal(await fingerprint(folder), before);
	});

	test("leave a validation subset what it is", async () => {
		const folder = await dataset(["."], ["cat", "dog", "owl"]);
		const options = { ...quiet, validationSplit: 0.5, seed: 3 };
		const before = imageDatasetFromDirectory(folder, { ...options, subset: "validation" }).filePaths;
		const [gone] = imageDatasetFromDirectory(folder, { ...options, subset: "training" }).filePaths;
		await openJournal(folder).decide({ path: gone, to: null, proposedBy: "person" });
		assert.deepEqual(imageDatasetFromDirectory(folder, { ...options, subset: "validation" }).filePaths, before);
	});

	test("of several processes at once are all kept", async () => {
		const folder = await dataset();
		const program = `
			const { openJournal } = require(${JSON.stringify(join(root, "src", "datasets", "journal.ts"))});
			(async () => {
				for (let i = 0; i < 25; i++)
					await openJournal(${JSON.stringify(folder)}).decide({
						path: ${JSON.stringify(join(folder, "train"))} + "/" + process.argv[1], to: "dog", proposedBy: "person", note: "x".repeat(3000) + i });
			})();`;
		const paths = ["cat/0.png", "cat/1.png", "cat/2.png"];
		await runAtOnce(program, paths);
		const file = join(folder, JOURNAL);
		const notes = readJsonLines(file).map(({ path, note }) => `${path} ${note.replaceAll("x", "")}`);
		const expected = paths.flatMap((path) => Array.from({ length: 25 }, (_, i) => `train/${path} ${i}`));
		assert.deepEqual(notes.sort(), expected.sort());
		const { decisions, damaged } = readJournal(file);
		assert.deepEqual([decisions.map(({ path }) => path).sort(), damaged], [paths.map((path) => `train/${path}`), 0]);
	});

	test("of a data set that cannot be written to are in another file", async () => {
		const folder = await dataset();
		const path = join(folder, "train", "cat", "0.png");
		const file = join(temporaryFolder(), JOURNAL);
		await openJournal(folder, { file }).decide({ path, to: "dog", proposedBy: "person" });
		assert.equal(labelsOf(join(folder, "train"), { journal: file })["cat/0.png"], "dog");
		assert.deepEqual(labelsOf(join(folder, "train")), byFolder());
	});

	test("that cannot be written are an error that says so", async () => {
		const folder = await dataset();
		mkdirSync(join(folder, JOURNAL));
		const path = join(folder, "train", "cat", "0.png");
		const decision = openJournal(folder).decide({ path, to: "dog", proposedBy: "person" });
		await assert.rejects(decision, /labels\.jsonl is not a regular file.*move it away/);
	});
});
