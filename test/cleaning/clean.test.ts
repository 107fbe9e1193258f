import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
	chmodSync,
	copyFileSync,
	existsSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { cleanTheData } from "../../src/cleaning/clean";
import { quarantined, restore } from "../../src/cleaning/quarantine";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { FileProgress } from "../../src/support/progress";
import { contents, copyOfImages, imageFolder, printed, root, temporaryFolder } from "../helpers";

// What passed is remembered, in a folder of the test's own.
process.env.XDG_CACHE_HOME = temporaryFolder();
const good = readFileSync(join(imageFolder, "cats", "plain.jpg"));

/** Puts one file of each kind of damage into a folder of good images. */
function damage(folder: string): string[] {
	const broken: Record<string, Buffer | string> = {
		"cats/empty.jpg": "",
		"cats/cut short.jpg": good.subarray(0, good.length - 40),
		"dogs/puppies/text.png": "<html>not found</html>",
		"dogs/header\n.jpeg": Buffer.concat([Buffer.from([0, 0, 0]), good.subarray(3)]),
	};
	for (const [name, content] of Object.entries(broken)) writeFileSync(join(folder, name), content);
	return Object.keys(broken);
}

describe("cleanTheData", () => {
	test("removes what cannot be decoded, with its messages, and nothing else", async () => {
		const folder = copyOfImages();
		const before = contents(folder);
		const broken = damage(folder);
		let cleaned = 0;
		const text = await printed(async () => {
			cleaned = await cleanTheData(folder);
		});
		assert.equal(cleaned, 4);
		assert.equal(text.match(/^Removing corrupt image: /gm)?.length, 4);
		assert.ok(text.includes(`Removing corrupt image: ${join(folder, "cats/empty.jpg")} (empty: 0 bytes)`));
		assert.ok(text.endsWith("\nCleaned 4 corrupt images"));
		assert.deepEqual(contents(folder), before);
		assert.deepEqual(
			quarantined(folder)
				.map(({ path }) => path)
				.sort(),
			broken.sort(),
		);
		const reasons = Object.fromEntries(quarantined(folder).map(({ path, reason }) => [path, reason]));
		assert.equal(reasons["cats/empty.jpg"], "empty");
		assert.equal(reasons["cats/cut short.jpg"], "truncated");
		assert.equal(reasons["dogs/puppies/text.png"], "not an image");
		assert.equal(await cleanQuietly(folder), 0);
	});

	test("dryRun changes nothing; permanently deletes", async () => {
		const folder = copyOfImages();
		const clean = contents(folder);
		damage(folder);
		const before = contents(folder);
		assert.equal(await cleanQuietly(folder, { dryRun: true }), 4);
		assert.deepEqual(contents(folder), before);
		assert.equal(await cleanQuietly(folder, { permanently: true }), 4);
		assert.deepEqual(contents(folder), clean);
		assert.deepEqual(quarantined(folder), []);
	});

	test("waits for no pipe, follows no link to a folder, and sets pipes and broken links aside", async () => {
		const folder = copyOfImages();
		symlinkSync(folder, join(folder, "cats", "loop"));
		symlinkSync("nowhere.jpg", join(folder, "cats", "dangling.jpg"));
		for (const name of ["pipe.jpg", "pipe"]) execFileSync("mkfifo", [join(folder, "cats", name)]);
		assert.equal(await cleanQuietly(folder), 2);
		assert.ok(existsSync(join(folder, "cats", "loop", "dogs")));
	});

	test("a link is removed, never what it leads to, and comes back", async () => {
		const [folder, outside] = [copyOfImages(), temporaryFolder()];
		writeFileSync(join(outside, "broken.jpg"), "not an image");
		copyFileSync(join(imageFolder, "cats", "plain.jpg"), join(outside, "good.jpg"));
		symlinkSync(join(outside, "broken.jpg"), join(folder, "cats", "broken.jpg"));
		symlinkSync(join(outside, "good.jpg"), join(folder, "cats", "good.jpg"));
		symlinkSync("../dogs/notes.txt", join(folder, "cats", "notes.jpg"));
		symlinkSync(outside, join(folder, "cats", "elsewhere"));
		assert.equal(await cleanQuietly(folder), 2);
		assert.deepEqual(readdirSync(outside).sort(), ["broken.jpg", "good.jpg"]);
		assert.equal(restore(folder), 2);
		assert.equal(readlinkSync(join(folder, "cats", "notes.jpg")), "../dogs/notes.txt");
		assert.equal(await cleanQuietly(folder, { permanently: true }), 2);
		assert.deepEqual(readdirSync(outside).sort(), ["broken.jpg", "good.jpg"]);
	});

	test("keeps images with another ending, and formats that training passes over, and says so", async () => {
		const folder = copyOfImages();
		copyFileSync(join(folder, "dogs", "alpha.png"), join(folder, "cats", "alpha.jpg"));
		writeFileSync(join(folder, "cats", "phone.HEIC"), Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
		writeFileSync(join(folder, "cats", "icon.ico"), Buffer.from("\0\0\x01\0\x01\0\x10\x10\0\0\x01\0", "latin1"));
		writeFileSync(join(folder, "cats", "phone.jpg"), Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
		const clean = async (options = {}) => {
			let cleaned = 0;
			const text = await printed(async () => {
				cleaned = await cleanTheData(folder, options);
			});
			return { cleaned, text };
		};
		for (const run of ["first", "second"]) {
			const { cleaned, text } = await clean();
			// Training would stop at a HEIC file that is called .jpg.
			assert.equal(cleaned, run === "first" ? 1 : 0);
			assert.match(text, /Kept 1 of PNG with the ending \.jpg, for example .*alpha\.jpg/);
			assert.match(text, /Kept 1 of HEIC with the ending \.heic, which training passes over/);
			assert.match(text, /Kept 1 of ICO with the ending \.ico, which training passes over/);
		}
		assert.equal(quarantined(folder)[0].reason, "unsupported format");
		assert.equal((await clean({ removeUnsupported: true })).cleaned, 2);
		const { cleaned } = await clean({ removeUnsupported: true });
		assert.equal(cleaned, 0);
		assert.ok(existsSync(join(folder, "cats", "alpha.jpg")));
	});

	test("does not look again at what passed, until it changes", async () => {
		const folder = copyOfImages();
		const path = join(folder, "cats", "plain.jpg");
		const mtime = new Date(1.7e12);
		utimesSync(path, mtime, mtime);
		await cleanQuietly(folder);
		// The same size and time: as if nothing had happened.
		writeFileSync(path, Buffer.alloc(statSync(path).size));
		utimesSync(path, mtime, mtime);
		assert.equal(await cleanQuietly(folder), 0);
		assert.equal(await cleanQuietly(folder, { cache: false, dryRun: true }), 1);
		utimesSync(path, mtime, new Date(mtime.getTime() + 5));
		assert.equal(await cleanQuietly(folder), 1);
	});

	test("does not look into quarantines, wherever they are, and training takes none for a class", async () => {
		const folder = copyOfImages();
		damage(folder);
		assert.equal(await cleanQuietly(join(folder, "cats")), 2);
		assert.ok(existsSync(join(folder, "quarantine", "cats", "manifest.jsonl")));
		assert.equal(await cleanQuietly(folder), 2);
		const data = imageDatasetFromDirectory(folder, { verbose: false });
		assert.deepEqual(data.classNames, ["cats", "dogs"]);
		assert.equal(data.filePaths.filter((path) => path.includes("quarantine")).length, 0);
	});

	test("a data set that cannot be changed gives an error that says so, and loses nothing", () => {
		const folder = copyOfImages();
		writeFileSync(join(folder, "cats", "empty.jpg"), "");
		for (const readable of [dirname(folder), folder]) chmodSync(readable, 0o755);
		chmodSync(join(folder, "cats"), 0o555);
		// To root nothing is read-only: another user tries.
		const { status, stderr } = asUser(`cleanTheData(${JSON.stringify(folder)})`);
		chmodSync(join(folder, "cats"), 0o755);
		assert.notEqual(status, 0);
		assert.match(stderr, /cannot move .*empty\.jpg to .*quarantine.train: the folder is read-only \(EACCES\); make it/);
		assert.ok(existsSync(join(folder, "cats", "empty.jpg")));
	});

	test("tells how far it is, up to the end", async () => {
		const told: FileProgress[] = [];
		const folder = copyOfImages();
		await cleanQuietly(folder, { onProgress: (progress: FileProgress) => told.push(progress) });
		const { done, files: all } = told[told.length - 1];
		assert.deepEqual([done, all], [9, 9]);
	});

	test("says which folder it cannot find", async () => {
		const file = join(imageFolder, "cats", "plain.jpg");
		await assert.rejects(cleanTheData(file), /cannot clean .*plain\.jpg: it is not a folder/);
		await assert.rejects(cleanTheData("/no/such/folder"), /cannot clean \/no\/such\/folder: there is no such folder/);
	});
});

async function cleanQuietly(folder: string, options = {}): Promise<number> {
	let cleaned = 0;
	await printed(async () => {
		cleaned = await cleanTheData(folder, options);
	});
	return cleaned;
}

/** Runs code in a process that is not root's. */
function asUser(code: string) {
	const script = `require("tsx/cjs"); const { cleanTheData } = require("./src/cleaning"); ${code}.catch((error) => { console.error(error.message); process.exit(1); })`;
	const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
	return spawnSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8", ...user });
}
