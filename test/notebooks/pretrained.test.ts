import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { command, temporaryFolder } from "../helpers";
import { claimsOf, unsupported } from "./claims";
import { makeSmallDataset, readJson, smallRun } from "./small-run";

test("on a pretrained backbone the same notebooks run, and agree with each other", async () => {
	const work = temporaryFolder();
	const dataset = join(work, "dataset");
	await makeSmallDataset(dataset);
	const [artifacts, reports, exported] = ["artifacts", "reports", "exported"].map((name) => join(work, name));
	const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];
	const network = ["--backbone", "efficientnet-lite0", "--image-size", "64"];
	const { code, out } = command("report", "04", "05", "06", ...places, ...smallRun, ...network);
	assert.equal(code, 0, out);
	const { parameters, verdict } = readJson(join(reports, "metrics.json"));
	assert.deepEqual([parameters.backbone, parameters.imageSize, parameters.patience], ["efficientnet-lite0", 64, 3]);
	assert.ok(!verdict.join().includes("--backbone"), "none is suggested where there is one");
	for (const name of ["04-training", "05-evaluation", "06-best-practices-and-future-improvements"])
		assert.deepEqual(unsupported(claimsOf(reports, name)), [], name);
	const shown = claimsOf(reports, "06-best-practices-and-future-improvements").claims.map(({ claim }) => claim);
	assert.ok(
		shown.some((claim) => /^A pretrained backbone raises the accuracy with \d+ images$/.test(claim)),
		shown.join(),
	);
	const predicted = command("predict", join(dataset, "test"), "--artifacts", artifacts, "--format", "json");
	assert.equal(predicted.code, 0, predicted.out);
	const { code: ended, out: printed } = command("export", "--artifacts", artifacts, "--output", exported);
	assert.equal(ended, 0, printed);
	for (const name of ["model.keras", "saved_model", "model.onnx", "tfjs"])
		assert.match(printed, new RegExp(`${name}  1[34]\\.\\d\\d MB$`, "m"));
	const { temperature } = readJson(join(exported, "tfjs", "metadata.json"));
	assert.equal(temperature, readJson(join(artifacts, "evaluation.json")).temperature);
});
