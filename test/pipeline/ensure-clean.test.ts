import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
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
