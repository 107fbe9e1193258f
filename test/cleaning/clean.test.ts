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
import { verifiedFiles } from "../../src/cleaning/verified-cache";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { FileProgress } from "../../src/support/progress";
import { contents, copyOfImages, imageFolder, printed, root, temporaryFolder } from "../helpers";

// A separate cache of verified files.
process.env.XDG_CACHE_HOME = temporaryFolder();
const good = readFileSync(join(imageFolder, "cats", "plain.jpg"));

/** Adds one file of each kind of damage to a folder of valid images, and returns their names. */
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
	test("removes undecodable files, with the documented messages, and nothing else", async () => {
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

	test("prints names on one line each, whatever is in them", async () => {
		const folder = copyOfImages();
		for (const name of ["a\nCleaned 0 corrupt images.jpg", "\x1b[2J.jpg", "\u202egpj.exe.jpg"]) {
			writeFileSync(join(folder, "cats", name), "");
		}
		const lines = (await printed(() => cleanTheData(folder))).split("\n");
		assert.equal(lines.length, 4);
		assert.deepEqual(
			lines
				.slice(0, 3)
				.map((line) => /cats.(.*) \(empty/.exec(line)?.[1])
				.sort(),
			["\\u202egpj.exe.jpg", "\\x1b[2J.jpg", "a\\nCleaned 0 corrupt images.jpg"],
		);
	});

	test("dryRun changes nothing and says so; permanently deletes", async () => {
		const folder = copyOfImages();
		const clean = contents(folder);
		damage(folder);
		const before = contents(folder);
		let removed = 0;
		const text = await printed(async () => {
			removed = await cleanTheData(folder, { dryRun: true });
		});
		assert.equal(removed, 4);
		assert.equal(text.match(/^Would remove corrupt image: /gm)?.length, 4);
		assert.ok(text.endsWith("\nDry run: would remove 4 corrupt images"));
		assert.doesNotMatch(text, /Removing|Cleaned/);
		assert.deepEqual(contents(folder), before);
		assert.equal(await cleanQuietly(folder, { permanently: true }), 4);
		assert.deepEqual(contents(folder), clean);
		assert.deepEqual(quarantined(folder), []);
	});

	test("does not block on pipes or follow links to folders; quarantines pipes and broken links", async () => {
		const folder = copyOfImages();
		symlinkSync(folder, join(folder, "cats", "loop"));
		symlinkSync("nowhere.jpg", join(folder, "cats", "dangling.jpg"));
		for (const name of ["pipe.jpg", "pipe"]) execFileSync("mkfifo", [join(folder, "cats", name)]);
		assert.equal(await cleanQuietly(folder), 2);
		assert.ok(existsSync(join(folder, "cats", "loop", "dogs")));
	});

	test("removes a link, never its target, and restores the link", async () => {
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

	test("keeps images with another extension and formats that training ignores, and prints them", async () => {
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
			// The HEIC file named .jpg is removed: training would fail on it.
			assert.equal(cleaned, run === "first" ? 1 : 0);
			assert.match(text, /^Kept 1 PNG file with the extension \.jpg, for example .*alpha\.jpg$/m);
			assert.match(
				text,
				/^Kept 1 HEIC file with the extension \.heic, which training ignores, for example .*phone\.HEIC$/m,
			);
			assert.match(
				text,
				/^Kept 1 ICO file with the extension \.ico, which training ignores, for example .*icon\.ico$/m,
			);
		}
		assert.equal(quarantined(folder)[0].reason, "unsupported format");
		assert.equal((await clean({ removeUnsupported: true })).cleaned, 2);
		const { cleaned } = await clean({ removeUnsupported: true });
		assert.equal(cleaned, 0);
		assert.ok(existsSync(join(folder, "cats", "alpha.jpg")));
	});

	test("skips files that passed before, until they change", async () => {
		const folder = copyOfImages();
		const path = join(folder, "cats", "plain.jpg");
		await cleanQuietly(folder);
		assert.ok(verifiedFiles(folder).has(path));
		// The same size and modification time, as some tools leave them: the change time tells.
		const { size, mtime } = statSync(path);
		writeFileSync(path, Buffer.alloc(size));
		utimesSync(path, mtime, mtime);
		assert.equal(await cleanQuietly(folder), 1);
	});

	test("ignores quarantines, wherever they are, and training does not take one for a class", async () => {
		const folder = copyOfImages();
		damage(folder);
		assert.equal(await cleanQuietly(join(folder, "cats")), 2);
		assert.ok(existsSync(join(folder, "quarantine", "cats", "manifest.jsonl")));
		assert.equal(await cleanQuietly(folder), 2);
		const data = imageDatasetFromDirectory(folder, { verbose: false });
		assert.deepEqual(data.classNames, ["cats", "dogs"]);
		assert.equal(data.filePaths.filter((path) => path.includes("quarantine")).length, 0);
	});

	test("a read-only data set gives an error that says so, and loses nothing", () => {
		const folder = copyOfImages();
		writeFileSync(join(folder, "cats", "empty.jpg"), "");
		for (const readable of [dirname(folder), folder]) chmodSync(readable, 0o755);
		chmodSync(join(folder, "cats"), 0o555);
		// Root may write everywhere: run as another user.
		const { status, stderr } = asUser(`cleanTheData(${JSON.stringify(folder)})`);
		chmodSync(join(folder, "cats"), 0o755);
		assert.notEqual(status, 0);
		assert.match(stderr, /cannot move .*empty\.jpg to .*quarantine.train: the folder is read-only \(EACCES\); make it/);
		assert.ok(existsSync(join(folder, "cats", "empty.jpg")));
	});

	test("reports progress up to the end", async () => {
		const reported: FileProgress[] = [];
		const folder = copyOfImages();
		await cleanQuietly(folder, { onProgress: (progress: FileProgress) => reported.push(progress) });
		const { done, files: all } = reported[reported.length - 1];
		assert.deepEqual([done, all], [9, 9]);
	});

	test("messages name the folder that is missing or a file", async () => {
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

/** Runs code in a process that may not write where the file modes forbid it. */
function asUser(code: string) {
	const script = `require("tsx/cjs"); const { cleanTheData } = require("./src/cleaning"); ${code}.catch((error) => { console.error(error.message); process.exit(1); })`;
	// Not as another user, who could not read a checkout in a home directory.
	const withoutPrivilege = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
	const [command, ...args] = [...(process.getuid?.() === 0 ? withoutPrivilege : []), process.execPath, "-e", script];
	return spawnSync(command, args, { cwd: root, encoding: "utf8" });
}
