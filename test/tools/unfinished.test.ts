import assert from "node:assert/strict";
import { appendFileSync, cpSync, existsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, resume, unfinishedFile } from "../../tools/report/unfinished";
import { parseArguments } from "../../tools/run/arguments";
import { imageFolder, temporaryFolder } from "../helpers";

test("the same command goes on after the notebooks that are done, unless something is not as it was", () => {
	const [reports, dataset] = [temporaryFolder(), join(temporaryFolder(), "set")];
	cpSync(imageFolder, dataset, { recursive: true });
	const run = (...args: string[]) => resume(parseArguments(["--reports", reports, "--dataset", dataset, ...args]));
	const done = () => appendFileSync(unfinishedFile(reports), "01-data-cleaning\n02-data-preprocessing\n");

	assert.deepEqual(run(), []);
	done();
	assert.deepEqual(run(), ["01-data-cleaning", "02-data-preprocessing"]);
	assert.deepEqual(run(), ["01-data-cleaning", "02-data-preprocessing"], "it was interrupted again");
	assert.deepEqual(run("--epochs", "2"), [], "another parameter");
	done();
	assert.deepEqual(run(), [], "the default again");
	done();
	assert.deepEqual(run("--restart"), []);
	done();
	const later = Date.now() / 1000 + 60;
	writeFileSync(join(dataset, "new.jpg"), "");
	utimesSync(join(dataset, "new.jpg"), later, later);
	assert.deepEqual(run(), [], "another image");
	finish(reports);
	assert.ok(!existsSync(unfinishedFile(reports)));
});
