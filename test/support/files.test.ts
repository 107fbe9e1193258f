import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
	isReadable,
	MAX_FILE_BYTES,
	pathExists,
	readRegularFile,
	requireFolder,
	sha256OfFile,
	statOrNull,
	writeFileAtomically,
} from "../../src/support/files";
import { root, temporaryFolder } from "../helpers";

test("several processes write one file, and readers always find one of their contents", async () => {
	const file = join(temporaryFolder(), "made", "shared.json");
	writeFileAtomically(file, "0".repeat(200_000));
	const writers = ["1", "2", "3"].map((digit) => {
		const code = `
			const { writeFileAtomically } = require("./src/support/files");
			for (let i = 0; i < 60; i++) writeFileAtomically(${JSON.stringify(file)}, ${JSON.stringify(digit)}.repeat(200_000));`;
		return spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], {
			cwd: root,
			stdio: ["ignore", "ignore", "pipe"],
		});
	});
	let running = writers.length;
	const ended = writers.map(async (writer) => {
		const [code] = await once(writer, "exit");
		running--;
		assert.equal(code, 0, String(writer.stderr?.read()));
	});
	while (running > 0) {
		const content = readFileSync(file, "utf8");
		assert.equal(content, content[0].repeat(200_000));
		await new Promise((resolve) => setImmediate(resolve));
	}
	await Promise.all(ended);
	assert.deepEqual(readdirSync(join(file, "..")), ["shared.json"]);
});

const small = mkdtempSync(join(tmpdir(), "small-"));
after(() => {
	if (mounted) spawnSync("umount", [small]);
	rmSync(small, { recursive: true });
});
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]).status === 0;

test("on a full disk a file stays as it was", { skip: mounted ? false : "a small disk cannot be mounted here" }, () => {
	const file = join(small, "state");
	writeFileAtomically(file, "before");
	assert.throws(
		() => writeFileAtomically(file, "x".repeat(200_000)),
		/state cannot be written: the disk is full: 0\.\d MB free, 0\.2 MB needed; /,
	);
	assert.equal(readFileSync(file, "utf8"), "before");
	assert.deepEqual(readdirSync(small), ["state"]);
});

test("what cannot be replaced is named", () => {
	const folder = join(temporaryFolder(), "folder");
	mkdirSync(folder);
	writeFileSync(join(folder, "inside"), "");
	assert.throws(() => writeFileAtomically(folder, "x"), /folder cannot be written: /);
	assert.deepEqual(readdirSync(folder), ["inside"]);
});

test("only regular files of a limited size are read: no pipe, device or folder is waited for", async () => {
	const folder = temporaryFolder();
	const at = (name: string) => join(folder, name);
	execFileSync("mkfifo", [at("pipe")]);
	symlinkSync("/dev/zero", at("device"));
	symlinkSync("itself", at("itself"));
	mkdirSync(at("folder"));
	writeFileSync(at("large"), "");
	truncateSync(at("large"), MAX_FILE_BYTES + 1);
	writeFileSync(at("file"), "content");
	symlinkSync("file", at("link"));
	const expected = {
		pipe: /pipe is not a regular file/,
		device: /device is not a regular file/,
		folder: /folder is not a regular file/,
		itself: /ELOOP/,
		large: /large has 1073741825 bytes: more than 1073741824/,
		missing: /ENOENT/,
	};
	for (const [name, message] of Object.entries(expected)) {
		assert.equal(isReadable(at(name)), false, name);
		await assert.rejects(readRegularFile(at(name)), message);
		await assert.rejects(sha256OfFile(at(name)), message);
	}
	for (const name of ["file", "link"]) {
		assert.ok(isReadable(at(name)));
		assert.equal((await readRegularFile(at(name))).toString(), "content");
		// From coreutils' sha256sum.
		assert.match(await sha256OfFile(at(name)), /^ed7002b439e9ac845f22357d822bac14/);
	}
});

test("links to themselves and names that are too long lead nowhere, without an error", () => {
	const folder = temporaryFolder();
	const itself = join(folder, "itself");
	symlinkSync("itself", itself);
	const long = join(folder, "x".repeat(300));
	assert.deepEqual([itself, long, join(itself, "below")].map(statOrNull), [null, null, null]);
	assert.deepEqual([itself, long, join(itself, "below")].map(pathExists), [true, false, false]);
	for (const path of [itself, long])
		assert.throws(() => requireFolder(path, "read"), /cannot read .*: there is no such/);
});
