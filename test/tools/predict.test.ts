import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { recordPredictions } from "../../src/pipeline/predictions";
import { recordEvaluation } from "../../src/pipeline/records";
import { saveModel } from "../../src/pipeline/saved-model";
import { imageFolder, root, temporaryFolder } from "../helpers";

const artifacts = temporaryFolder();
const record = {
	dataset: "",
	classNames: ["cats", "dogs"],
	parameters: DEFAULT_PARAMETERS,
	history: { loss: [], acc: [], valLoss: [], valAcc: [], epochsRun: 0, seconds: 0 },
};
before(async () => {
	await saveModel(cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 }), artifacts, record);
});

function runIn(folder: string, args: string[], saved = artifacts) {
	// With oneDNN, TensorFlow reports on some processors that results can differ, whatever the log level.
	const env = { ...process.env, INIT_CWD: folder, TF_ENABLE_ONEDNN_OPTS: "0" };
	// A file that is never read to its end must not stop the tests.
	const options = { cwd: root, encoding: "utf8", env, timeout: 60_000 } as const;
	return spawnSync("node", ["tools/cli.mjs", "predict", "--artifacts", saved, ...args], options);
}

test("npm run predict prints a table, CSV and JSON", () => {
	const folder = join(temporaryFolder(), 'a "quoted", folder');
	mkdirSync(folder);
	cpSync(imageFolder, folder, { recursive: true });
	writeFileSync(join(folder, "broken.jpg"), "");
	const run = (...args: string[]) => runIn(folder, args);
	const table = run(".");
	assert.equal(table.status, 0, table.stderr);
	assert.match(table.stdout, /^broken\.jpg +cannot be read: empty \(0 bytes\)$/m);
	assert.match(table.stdout, /^cats\/plain\.jpg +(cats|dogs) +\d+\.\d %$/m);
	assert.match(table.stderr, /1 of 9 files cannot be read/);

	const rows = JSON.parse(run(".", "--format", "json").stdout) as { path: string; error: string | null }[];
	assert.deepEqual(
		rows.filter(({ error }) => error).map(({ path }) => path),
		["broken.jpg"],
	);

	const paths = [join(folder, "cats"), join(folder, "..", 'a "quoted", folder', "broken.jpg")];
	const lines = run(...paths, "--format", "csv")
		.stdout.trim()
		.split("\n");
	assert.equal(lines[0], "path,label,probability,cats,dogs,error");
	assert.equal(lines.length, 6);
	assert.equal(lines[5], "broken.jpg,,,,,empty (0 bytes)");
});

test("probabilities are calibrated by the evaluation of this very model, and those below a threshold are not sure", async () => {
	const own = temporaryFolder();
	const saved = await saveModel(cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 }), own, record);
	const rows = (...args: string[]) => {
		const { status, stdout, stderr } = runIn(imageFolder, ["cats", "--format", "json", ...args], own);
		assert.equal(status, 0, stderr);
		return JSON.parse(stdout) as { probability: number; probabilities: number[]; sure?: boolean }[];
	};
	const plain = rows();
	const scores = { test: { loss: 0, accuracy: 0 }, report: [], confusionMatrix: [], rocAuc: [], seconds: 0 };
	recordEvaluation(own, { ...scores, temperature: 4 }, saved);
	const calibrated = rows("--threshold", "0.6");
	for (const [i, { probability, sure }] of calibrated.entries()) {
		const powers = plain[i].probabilities.map((p) => p ** 0.25);
		assert.ok(Math.abs(probability - Math.max(...powers) / (powers[0] + powers[1])) < 1e-6);
		assert.equal(sure, probability >= 0.6);
	}
	assert.deepEqual(
		rows("--threshold", "0").map(({ sure }) => sure),
		plain.map(() => true),
	);
	const table = runIn(imageFolder, ["cats", "--threshold", "1"], own).stdout;
	assert.match(table, /^cats\/plain\.jpg +(cats|dogs) +\d+\.\d % {2}not sure$/m);
	const csv = runIn(imageFolder, ["cats", "--threshold", "1", "--format", "csv"], own).stdout.split("\n");
	assert.equal(csv[0], "path,label,probability,cats,dogs,error,sure");
	// Another model: the temperature is not its own.
	recordEvaluation(own, { ...scores, temperature: 4 }, { ...saved, classNames: ["dogs", "cats"] });
	assert.deepEqual(rows(), plain);
});

test("npm run predict refuses what it cannot do, in one line", () => {
	const folder = temporaryFolder();
	for (const [args, message] of [
		[["missing.jpg"], /^there is no \S*missing\.jpg$/],
		[[], /^there is nothing to predict: /],
		[["."], /^\S+ has no images$/],
		[[".", "--format", "xml"], /^--format xml: expected table, csv, json$/],
		[[".", "--threshold", "90"], /^--threshold 90: expected a probability, 0 to 1$/],
		[[".", "--batch", "3"], /^Unknown option '--batch'/],
	] as [string[], RegExp][]) {
		const { status, stdout, stderr } = runIn(folder, args);
		assert.deepEqual([status, stdout, stderr.trim().split("\n").length], [1, "", 1], stderr);
		assert.match(stderr.trim(), message);
	}
});

test("npm run predict opens regular files only, and reports the others", () => {
	const folder = temporaryFolder();
	cpSync(join(imageFolder, "cats", "plain.jpg"), join(folder, "image.jpg"));
	symlinkSync("image.jpg", join(folder, "link.jpg"));
	assert.equal(spawnSync("mkfifo", [join(folder, "pipe.jpg")]).status, 0);
	symlinkSync("/dev/zero", join(folder, "endless.jpg"));
	symlinkSync("/dev/urandom", join(folder, "random.png"));
	symlinkSync("itself.jpg", join(folder, "itself.jpg"));
	symlinkSync("nowhere", join(folder, "dangling.jpg"));
	// Without content on the disk, but of more bytes than any image has.
	writeFileSync(join(folder, "large.jpg"), "");
	truncateSync(join(folder, "large.jpg"), 3e9);
	mkdirSync(join(folder, "folder.jpg"));
	const { status, stdout, stderr } = runIn(folder, [".", "--format", "json"]);
	assert.equal(status, 0, stderr);
	const rows = JSON.parse(stdout) as { path: string; label: string | null; error: string | null }[];
	const predicted = rows.filter(({ label }) => label !== null).map(({ path }) => path);
	assert.deepEqual(predicted, ["image.jpg", "link.jpg"]);
	const errors = Object.fromEntries(rows.map(({ path, error }) => [path, error]));
	for (const name of ["pipe.jpg", "endless.jpg", "random.png"]) assert.match(errors[name] ?? "", /not a regular file/);
	for (const name of ["itself.jpg", "dangling.jpg", "large.jpg"]) assert.match(errors[name] ?? "", /^\w/);
	assert.equal(rows.length, 8);

	const named = runIn(folder, ["pipe.jpg", "endless.jpg"]);
	assert.equal(named.status, 1);
	assert.match(named.stdout, /^pipe\.jpg +cannot be read: .*not a regular file/m);
	assert.equal(named.stderr, "2 of 2 files cannot be read\n");
});

/** Saves a model for images of some number of channels. */
async function savedFor(channels: number, weights?: number): Promise<string> {
	const saved = temporaryFolder();
	const model = cnn({ inputShape: [16, 16, channels], filters: [4], denseUnits: 4, seed: 1 });
	if (weights) model.setWeights(model.getWeights().map(({ shape }) => tf.fill(shape, weights)));
	await saveModel(model, saved, record);
	return saved;
}

test("npm run predict fails in one line when probabilities are no numbers, or images cannot have the model's channels", async () => {
	for (const [saved, message] of [
		[await savedFor(3, 3e38), /^the network's output is NaN: /],
		[await savedFor(2), /^images of 2 channels: expected 1 \(grayscale\), 3 \(rgb\) or 4 \(rgba\)$/],
	] as const) {
		const { status, stdout, stderr } = runIn(imageFolder, ["cats"], saved);
		assert.deepEqual([status, stdout, stderr.split("\n").length], [1, "", 2], stderr);
		assert.match(stderr.trim(), message);
	}
	const grayscale = runIn(imageFolder, ["cats"], await savedFor(1));
	assert.deepEqual([grayscale.status, grayscale.stdout.trim().split("\n").length], [0, 4], grayscale.stderr);
});

const TRAIN = ": train a new model with npm start\n";
const DAMAGE: Record<string, [string, (file: string) => void, string]> = {
	"other bytes": ["model/weights.bin", (file) => writeFileSync(file, readFileSync(file).fill(0xff, 0, 3000)), TRAIN],
	"a cut model": ["model/model.json", (file) => truncateSync(file, 100), TRAIN],
	"no weights": ["model/weights.bin", (file) => rmSync(file), TRAIN],
	"a damaged record": ["training.json", (file) => writeFileSync(file, "{"), TRAIN],
	"no record": ["training.json", (file) => rmSync(file), " has no model: train one first, with npm start\n"],
};
for (const [what, [name, damage, remedy]] of Object.entries(DAMAGE)) {
	test(`npm run predict with ${what} ends in one line that says what to do`, () => {
		const copy = temporaryFolder();
		cpSync(artifacts, copy, { recursive: true });
		damage(join(copy, name));
		const { status, stdout, stderr } = runIn(imageFolder, ["cats"], copy);
		assert.deepEqual([status, stdout, stderr.split("\n").length], [1, "", 2]);
		assert.ok(stderr.startsWith(remedy === TRAIN ? join(copy, name) : copy) && stderr.endsWith(remedy), stderr);
	});
}

test("with a coverage each image has the classes that it may have; without validation predictions it says what to do", async () => {
	const own = temporaryFolder();
	await saveModel(cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 }), own, record);
	const missing = runIn(imageFolder, ["cats", "--coverage", "0.9"], own);
	assert.equal(missing.status, 1);
	assert.match(missing.stderr, /--coverage needs the predictions of the validation images: npm run report -- 05/);
	// Of the validation images one in ten is predicted as certainly wrong: with a coverage of 95 % hardly a class is left out.
	const yTrue = Array.from({ length: 40 }, (_, i) => i % 2);
	const logits = yTrue.map((label, i) => [0, 1].map((k) => ((k === label) === i % 10 < 9 ? 30 : 0)));
	recordPredictions(own, {
		...{ classNames: record.classNames, positiveClass: 0, seed: 1, costs: { falseNegative: 1, falsePositive: 1 } },
		...{ test: { yTrue, logits }, valid: { yTrue, logits } },
		...{ names: [], lookAlikes: [], leftOut: [], properties: {}, mapCorrelations: [] },
	});
	for (const [coverage, threshold] of [
		["0.95", 1 - 1e-13],
		["0.8", 1e-13],
	] as const) {
		const { stdout, stderr } = runIn(imageFolder, ["cats", "--coverage", coverage, "--format", "json"], own);
		assert.equal(stderr, "");
		for (const { probabilities, set } of JSON.parse(stdout) as { probabilities: number[]; set: string[] }[]) {
			const expected = record.classNames.filter((_, label) => 1 - probabilities[label] <= threshold);
			assert.deepEqual([...set].sort(), expected);
		}
	}
	const csv = runIn(imageFolder, ["cats", "--coverage", "0.95", "--format", "csv"], own).stdout.split("\n");
	assert.ok(csv[0].endsWith(",error,set") && /"\[""(cats|dogs)""[^\]]*\]"$/.test(csv[1]), csv[1]);
	const few = runIn(imageFolder, ["cats", "--coverage", "0.99"], own);
	assert.match(few.stderr, /40 validation images are too few for a coverage of 0\.99: each set has all classes/);
	const exported = runIn(imageFolder, ["cats", "--coverage", "0.9", "--model", "x"], own);
	assert.match(exported.stderr, /--coverage needs validation images|two models|no model/);
});
