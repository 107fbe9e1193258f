// Disks that are full or read-only, and files that may not be large: one line, and what was there stays.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { requireWritable, writeError } from "../../src/support/writing";
import { writeIndex } from "../../tools/report/index-page";
import type { RunRecord } from "../../tools/report/run-record";
import { root, runnerJob, temporaryFolder } from "../helpers";

/** Mounts a disk of 2 MB; null where that is not allowed. */
function mount(...options: string[]): string | null {
	const folder = mkdtempSync(join(tmpdir(), "disk-"));
	const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", ["size=2m", ...options].join(","), "tmpfs", folder]);
	after(() => {
		if (status === 0) spawnSync("umount", [folder]);
		rmSync(folder, { recursive: true });
	});
	return status === 0 ? folder : null;
}

const [small, readOnly] = [mount(), mount("ro")];
const skip = small && readOnly ? false : "disks cannot be mounted here";

/** The only line that a command prints. */
function lineOf(command: string, args: string[], options: object = {}): string {
	const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", ...options });
	const out = stdout + stderr;
	assert.equal(status, 1, out);
	assert.equal(out.trim().split("\n").length, 1, out);
	return out.trim();
}

describe("a report that does not fit", () => {
	const work = temporaryFolder();
	const source = join(work, "run.ipynb");
	const cell = {
		cell_type: "code",
		execution_count: null,
		metadata: {},
		outputs: [],
		source: 'console.log("x".repeat(3e6));',
	};
	writeFileSync(source, JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 4 }));

	/** Runs the notebook where an earlier report is, and returns what it says after the notebook's name. */
	function run(reports: string, command: string, args: string[] = []): string {
		mkdirSync(reports, { recursive: true });
		for (const name of ["run.html", "run.ipynb"]) writeFileSync(join(reports, name), "earlier");
		const input = runnerJob("run", source, reports);
		const env = { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" };
		const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", input, env });
		assert.equal(status, 1, stderr);
		assert.deepEqual(readdirSync(reports).sort(), ["kernel.log", "run.html", "run.ipynb"]);
		for (const name of ["run.html", "run.ipynb"]) assert.equal(readFileSync(join(reports, name), "utf8"), "earlier");
		return (stdout + stderr).replace(/^1\/1 run {2}failed after \d+ s\n/, "").trim();
	}
	const [python, runner] = [join(root, ".venv", "bin", "python"), join(root, "tools", "report", "run_notebooks.py")];

	test("on a full disk is named with what is free and needed, and the earlier one stays", { skip }, () => {
		const reports = join(small as string, "reports");
		assert.match(
			run(reports, python, [runner]),
			/^\S+\/run\.ipynb cannot be written: the disk is full: 2\.1 MB free, 3\.0 MB needed; free some space, or choose another folder$/,
		);
		rmSync(reports, { recursive: true });
	});

	test("in files of the size that is allowed says so", () => {
		const line = run(join(work, "limited"), "bash", ["-c", `ulimit -f 2000; exec "${python}" "${runner}"`]);
		assert.match(
			line,
			/^\S+\/run\.ipynb cannot be written: files of 3\.0 MB are not allowed here; raise the limit \(ulimit -f\)$/,
		);
	});
});

test("before the notebooks run: whether reports and artifacts can be written", { skip }, () => {
	const dataset = temporaryFolder();
	for (const split of ["train", "valid", "test"]) mkdirSync(join(dataset, split));
	const command = [join(root, "tools", "cli.mjs"), "report", "03", "--dataset", dataset];
	const report = (...args: string[]) => lineOf("node", [...command, ...args]);
	const elsewhere = temporaryFolder();
	assert.match(
		report("--reports", join(small as string, "reports")),
		/reports cannot be written: the disk is full: 2\.1 MB free, \d\.\d MB needed; /,
	);
	rmSync(join(small as string, "reports"), { recursive: true });
	for (const option of ["--reports", "--artifacts"]) {
		const line = report("--reports", elsewhere, option, join(readOnly as string, "a", "b"));
		assert.match(line, /a\/b cannot be written: the disk of \S+ is read-only; choose another folder$/);
	}
	assert.match(report("--reports", join(root, "package.json")), /cannot be written: \S+package\.json is a file; /);
	assert.deepEqual(readdirSync(elsewhere), []);
});

test("an index that does not fit leaves the earlier one", { skip }, () => {
	const record = {
		dataset: "set",
		classNames: ["x".repeat(3e6)],
		counts: {},
		parameters: {},
		versions: {},
		history: {},
		verdict: [],
		seconds: {},
		date: "",
	};
	writeFileSync(join(small as string, "index.html"), "earlier");
	assert.throws(
		() => writeIndex(small as string, record as unknown as RunRecord),
		/index\.html cannot be written: the disk is full/,
	);
	assert.deepEqual(readdirSync(small as string), ["index.html"]);
	assert.equal(readFileSync(join(small as string, "index.html"), "utf8"), "earlier");
});

test("each reason is one that the user can do something about", () => {
	const folder = temporaryFolder();
	const messageOf = (code: string) =>
		writeError(join(folder, "file"), { code, message: "?" }, 5e6).message.slice(folder.length);
	assert.match(
		messageOf("ENOSPC"),
		/^\/file cannot be written: the disk is full: \d+\.\d MB free, 5\.0 MB needed; free some space/,
	);
	assert.match(messageOf("EDQUOT"), /your quota is used up: 5\.0 MB needed/);
	assert.match(messageOf("EACCES"), /belongs to another user; change its permissions, or choose another folder$/);
	assert.match(messageOf("EIO"), /cannot be written: \?$/);
	writeFileSync(join(folder, "a"), "");
	assert.throws(
		() => requireWritable(join(folder, "a", "b")),
		/b cannot be written: \S+a is a file; choose another folder$/,
	);
	assert.throws(() => requireWritable(folder, 1e18), /the disk is full: .* 1000000000000\.0 MB needed/);
	requireWritable(join(folder, "new", "folder"), 1);
});
