// `npm run dataset -- --apply` and `--undo`.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { JOURNAL, openJournal } from "../../src/datasets/journal";
import { filesIn } from "../../src/images/folders";
import { main } from "../../tools/data/dataset";
import { printed, smallDataset, temporaryFolder } from "../helpers";

const quiet = { verbose: false, shuffle: false };

/** The class of each content, which is what training sees. */
function labelsByContent(folder: string): string[] {
	const { filePaths, labels, classNames } = imageDatasetFromDirectory(folder, quiet);
	return filePaths.map((path, i) => `${readFileSync(path).toString("base64")} ${classNames[labels[i]]}`).sort();
}

const singleColour = (red: number) =>
	sharp({ create: { width: 9, height: 8, channels: 3, background: { r: red, g: 90, b: 200 } } })
		.png()
		.toBuffer();

async function decided() {
	const dataset = smallDataset();
	const journal = openJournal(dataset);
	const { filePaths, classNames } = imageDatasetFromDirectory(join(dataset, "train"), quiet);
	const [first, second] = filePaths;
	await journal.decide({ path: first, to: classNames[1], proposedBy: "person" });
	await journal.decide({ path: second, to: null, proposedBy: "person" });
	return { dataset, journal, first, second, classNames };
}

describe("npm run dataset", () => {
	test("--apply writes a corrected copy that needs no journal, and changes nothing else", async () => {
		const { dataset, first } = await decided();
		const before = [...filesIn(dataset)].sort();
		const into = join(temporaryFolder(), "corrected");
		const lines = await printed(() => main(["--apply", into, "--dataset", dataset]));
		assert.match(lines, /train, .*labels\.jsonl: 1 label corrected, 1 image left out/);
		assert.match(lines, /images are in .*corrected\. Next: npm start -- --dataset/);
		for (const split of ["train", "valid"])
			assert.deepEqual(labelsByContent(join(into, split)), labelsByContent(join(dataset, split)));
		assert.ok(!readdirSync(into).includes(JOURNAL));
		assert.deepEqual([...filesIn(dataset)].sort(), before);
		assert.ok(before.includes(first));
	});

	test("--apply keeps two files of one name that come together in a class", async () => {
		const { dataset, first, classNames } = await decided();
		const twin = join(dataset, "train", classNames[1], first.split("/").at(-1) as string);
		writeFileSync(
			twin,
			readFileSync(join(dataset, "train", classNames[0], readdirSync(join(dataset, "train", classNames[0]))[2])),
		);
		const into = join(temporaryFolder(), "corrected");
		await printed(() => main(["--apply", into, "--dataset", dataset]));
		assert.deepEqual(labelsByContent(join(into, "train")), labelsByContent(join(dataset, "train")));
	});

	test("--apply puts unlabelled images that have a class into train, and leaves the others; --undo takes them back", async () => {
		const { dataset, journal, first, classNames } = await decided();
		const [own, left] = ["a.png", "b.png"].map((name) => join(dataset, "unlabelled", "by camera", name));
		mkdirSync(dirname(own), { recursive: true });
		for (const [i, path] of [own, left].entries()) writeFileSync(path, await singleColour(i));
		await journal.decide({ path: own, to: classNames[1], proposedBy: "pseudo-label" });
		const into = join(temporaryFolder(), "corrected");
		const lines = await printed(() => main(["--apply", into, "--dataset", dataset]));
		assert.match(lines, /train, .*1 label corrected, 1 unlabelled image labelled, 1 image left out/);
		assert.deepEqual(readFileSync(join(into, "train", classNames[1], "by camera", "a.png")), readFileSync(own));
		assert.deepEqual(readdirSync(into).sort(), ["train", "valid"]);
		assert.deepEqual(labelsByContent(join(into, "train")), labelsByContent(join(dataset, "train")));
		await printed(() => main(["--undo", own, "--dataset", dataset]));
		assert.deepEqual([journal.decisionOf(own), journal.decisionOf(first)?.to], [null, classNames[1]]);
	});

	test("--undo takes decisions back, one or all", async () => {
		const { dataset, journal, first, second } = await decided();
		await printed(() => main(["--undo", first, "--dataset", dataset]));
		assert.deepEqual([journal.decisionOf(first), journal.decisionOf(second)?.to], [null, null]);
		const lines = await printed(() => main(["--undo", "all", "--dataset", dataset]));
		assert.match(lines, /1 decision taken back/);
		assert.deepEqual(journal.decisions(), []);
	});

	test("says what is wrong in one line", async () => {
		const { dataset, first } = await decided();
		await printed(() => main(["--undo", first, "--dataset", dataset]));
		const other = join(dataset, "train", "no.png");
		for (const [args, expected] of [
			[["--undo", first], /there is no decision on this image in .*labels\.jsonl/],
			[["--undo", other], /no\.png: there is no decision on this image/],
			[["--undo"], /expected --apply FOLDER, or --undo IMAGE… or --undo all/],
			[["--apply", "x", "--undo", "all"], /expected --apply FOLDER, or --undo/],
			[["--apply", dataset], /is not empty: expected a new folder/],
			[["--apply", join(dataset, "copy")], /is inside the data set: give another folder/],
		] as const)
			await assert.rejects(main([...args, "--dataset", dataset]), expected);
		await assert.rejects(main(["--undo", "all", "--dataset", smallDataset()]), /has no labels\.jsonl: npm run review/);
	});
});
