import assert from "node:assert/strict";
import { copyFileSync, cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { findIssues } from "../../src/cleaning/issues";
import { SPLITS } from "../../src/images/folders";
import { ensureIssues, recordIssues } from "../../src/pipeline/ensure-issues";
import { imageFolder, printed, temporaryFolder } from "../helpers";

test("ensureIssues returns what findIssues finds, from the record until a file changes", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of SPLITS) cpSync(imageFolder, join(dataset, split), { recursive: true });
	const issues = await findIssues(dataset, { onProgress: null });
	const recorded = recordIssues(dataset, artifacts, issues);
	assert.equal(recorded.dataset, resolve(dataset));
	assert.deepEqual(recorded.duplicates, issues.duplicates);
	// The three splits hold the same files.
	assert.ok(recorded.duplicates.every(({ splits }) => splits.length === 3));
	const file = join(artifacts, "issues.json");
	const saved = statSync(file).mtimeMs;
	assert.deepEqual(await ensureIssues(dataset, artifacts), recorded);
	assert.equal(statSync(file).mtimeMs, saved);
	// A copy in the other class is a label conflict.
	copyFileSync(join(dataset, "train", "cats", "plain.jpg"), join(dataset, "train", "dogs", "copy.jpg"));
	const changed = await ensureIssues(dataset, artifacts);
	assert.notEqual(changed.state, recorded.state);
	const [conflict] = changed.duplicates.filter(({ paths }) => paths.includes("train/dogs/copy.jpg"));
	assert.deepEqual(conflict.classes, ["cats", "dogs"]);
	assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), changed);
	// The record of another data set is not this one's.
	const other = temporaryFolder();
	cpSync(dataset, other, { recursive: true });
	assert.equal((await ensureIssues(other, artifacts)).dataset, resolve(other));
});

test("a damaged record of issues is named and made again", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of SPLITS) cpSync(imageFolder, join(dataset, split), { recursive: true });
	const whole = await ensureIssues(dataset, artifacts);
	const file = join(artifacts, "issues.json");
	const [first, ...rest] = whole.duplicates;
	for (const damage of [
		"{",
		JSON.stringify({ ...whole, duplicates: 3 }),
		JSON.stringify({ ...whole, duplicates: [{ ...first, kind: "alike" }, ...rest] }),
	]) {
		writeFileSync(file, damage);
		const text = await printed(async () => assert.deepEqual(await ensureIssues(dataset, artifacts), whole));
		assert.match(text, /^\S+issues\.json is damaged .*: it is made again$/);
	}
});
