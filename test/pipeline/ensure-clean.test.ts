import assert from "node:assert/strict";
import { cpSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SPLITS } from "../../src/images/folders";
import { ensureClean } from "../../src/pipeline/ensure-clean";
import { imageFolder, printed, temporaryFolder } from "../helpers";

process.env.XDG_CACHE_HOME = temporaryFolder();

test("ensureClean cleans once, and again after files are added", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of SPLITS) cpSync(imageFolder, join(dataset, split), { recursive: true });
	writeFileSync(join(dataset, "test", "cats", "broken.jpg"), "broken");
	const messages = (clean: () => unknown) => printed(clean).then((text) => text.match(/Cleaned/g)?.length ?? 0);
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 3);
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 0);
	writeFileSync(join(dataset, "train", "dogs", "new.jpg"), "broken too");
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 3);
	const record = await ensureClean(dataset, artifacts);
	assert.equal(record.removed, 2);
	assert.equal(
		record.counts.reduce((total, { images }) => total + images, 0),
		24,
	);
});

test("ensureClean notices files that are replaced in place, whatever their number", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of SPLITS) cpSync(imageFolder, join(dataset, split), { recursive: true });
	const clean = () => printed(() => ensureClean(dataset, artifacts));
	await clean();
	assert.equal(await clean(), "");
	const path = join(dataset, "valid", "cats", "plain.jpg");
	const bytes = readFileSync(path);
	const { atime, mtime } = statSync(path);
	// The same size and modification time too.
	writeFileSync(
		path,
		bytes.map((byte, i) => (i < 500 ? byte : 0)),
	);
	utimesSync(path, atime, mtime);
	assert.match(await clean(), /^Removing corrupt image: \S+plain\.jpg/m);
	assert.equal(await clean(), "");
	// A whole image in the place of another: nothing to remove.
	writeFileSync(path.replace("plain", "new"), bytes);
	assert.match(await clean(), /(Cleaned 0 corrupt images\n?){3}/);
	assert.equal(await clean(), "");
});

test("ensureClean cleans before it counts, and names a split that is missing", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of ["train", "valid"]) cpSync(imageFolder, join(dataset, split), { recursive: true });
	await assert.rejects(
		ensureClean(dataset, artifacts),
		/^Error: cannot read \S+test: there is no such folder; expected /,
	);
	cpSync(imageFolder, join(dataset, "test"), { recursive: true });
	// A name that is not UTF-8 cannot be counted, but removed.
	writeFileSync(
		Buffer.concat([Buffer.from(`${dataset}/train/cats/caf`), Buffer.from([0xe9]), Buffer.from(".jpg")]),
		"x",
	);
	let removed = 0;
	await printed(async () => {
		({ removed } = await ensureClean(dataset, artifacts));
	});
	assert.equal(removed, 1);
});
