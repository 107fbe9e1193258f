import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cleanTheData } from "../../src/cleaning/clean";
import { command, printed, temporaryFolder } from "../helpers";
import { makeSmallDataset, readJson } from "./small-run";

test("the best trial of a sweep becomes a report, which repeats it to the last digit", async () => {
	const work = temporaryFolder();
	const dataset = join(work, "dataset");
	await makeSmallDataset(dataset);
	await printed(() => cleanTheData(dataset));
	const file = join(work, "sweep.json");
	const space = { learningRate: { type: "grid", values: [1e-5, 2e-3] }, imageSize: 48, epochs: 2, batchSize: 16 };
	// As an editor on Windows saves it, with a comment.
	const written = JSON.stringify({ space, objective: "loss", threads: 1 });
	writeFileSync(file, `\ufeff// two learning rates\r\n${written}`);
	const folder = join(work, "sweeps");
	const { code, out } = command("sweep", file, "--dataset", dataset, "--folder", folder, "--report", "best");
	assert.equal(code, 0, out);
	assert.match(out, /^Best: trial 1 /m);
	const results = join(folder, readdirSync(folder).join());
	const { history, parameters } = readJson(join(results, "reports", "1", "metrics.json"));
	assert.deepEqual(history, readJson(join(results, "trials", "0001.json")).curves);
	assert.equal(parameters.learningRate, 2e-3);
	assert.ok(existsSync(join(results, "reports", "1", "05-evaluation.html")));
});
