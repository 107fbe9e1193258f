// `npm run predict -- --model`: what `npm run export` wrote predicts as the model that was trained.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { cnn } from "../../src/cnn/cnn";
import { exportModel } from "../../src/export";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { recordPredictions } from "../../src/pipeline/predictions";
import { recordEvaluation } from "../../src/pipeline/records";
import { saveModel } from "../../src/pipeline/saved-model";
import { imageFolder, root, temporaryFolder } from "../helpers";

const work = temporaryFolder();
const artifacts = join(work, "artifacts");
const classNames = ["cats", "dogs"];
const model = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, rescaling: 1 / 255, seed: 1 });

function runs(command: string, ...args: string[]) {
	// With oneDNN, TensorFlow reports on some processors that results can differ, whatever the log level.
	const env = { ...process.env, INIT_CWD: work, TF_ENABLE_ONEDNN_OPTS: "0" };
	const options = { cwd: root, encoding: "utf8", env, timeout: 60_000 } as const;
	return spawnSync("node", ["tools/cli.mjs", command, ...args], options);
}

interface Row {
	path: string;
	label: string;
	probability: number;
	probabilities: number[];
	sure?: boolean;
	set?: string[];
}

function predicted(...args: string[]): Row[] {
	const { status, stdout, stderr } = runs("predict", imageFolder, "--format", "json", ...args);
	assert.deepEqual([status, stderr], [0, ""]);
	return JSON.parse(stdout);
}

let expected: Row[];
before(async () => {
	const history = { loss: [], acc: [], valLoss: [], valAcc: [], epochsRun: 0, seconds: 0 };
	const saved = await saveModel(model, artifacts, { dataset: "", classNames, parameters: DEFAULT_PARAMETERS, history });
	const scores = { test: { loss: 0, accuracy: 0 }, report: [], confusionMatrix: [], rocAuc: [], seconds: 0 };
	recordEvaluation(artifacts, { ...scores, temperature: 1.5 }, saved);
	// With a coverage of 90 % a set has the classes whose probability is 0.45 or more: that of the 37th of 40 images.
	const yTrue = Array.from({ length: 40 }, (_, i) => i % 2);
	const logits = yTrue.map((label, i) => [0, 1].map((k) => (i < 36 ? (k === label ? 9 : 0) : k === label ? 0 : 0.3)));
	recordPredictions(
		artifacts,
		{
			...{ classNames, positiveClass: 0, seed: 1, costs: { falseNegative: 1, falsePositive: 1 } },
			...{ test: { yTrue, logits }, valid: { yTrue, logits } },
			...{ names: [], lookAlikes: [], leftOut: [], properties: {}, mapCorrelations: [] },
		},
		saved,
	);
	expected = predicted("--artifacts", artifacts);
	for (const weights of ["float32", "float16", "uint8"]) {
		const { status, stderr } = runs(
			...(["export", "--artifacts", artifacts, "--weights", weights, "--output", weights] as const),
			...["--threshold", "0.5", "--coverage", "0.9"],
		);
		assert.equal(status, 0, stderr);
	}
});

for (const [weights, tolerance, names] of [
	["float32", 1e-5, ["model.keras", "saved_model", "tfjs", "tfjs/model.json", "index.html"]],
	["float16", 2e-3, ["tfjs", "index.html"]],
	["uint8", 0.05, ["tfjs", "index.html"]],
] as const) {
	for (const name of names) {
		test(`${name} with ${weights} weights predicts as the model trained`, () => {
			const rows = predicted("--model", join(weights, name));
			assert.equal(rows.length, expected.length);
			for (const [i, { path, probability, probabilities, sure, set }] of rows.entries()) {
				assert.equal(path, expected[i].path);
				const least = 1 / (1 + Math.exp(0.3 / 1.5));
				assert.deepEqual(
					set?.toSorted(),
					classNames.filter((_, k) => probabilities[k] >= least),
				);
				assert.equal(sure, probability >= 0.5);
				for (const [k, p] of probabilities.entries())
					assert.ok(Math.abs(p - expected[i].probabilities[k]) <= tolerance, `${path}: ${probabilities}`);
			}
		});
	}
}

test("the threshold of the export is that of predictions, unless another is given", () => {
	const metadata = JSON.parse(readFileSync(join(work, "float32", "tfjs", "metadata.json"), "utf8"));
	assert.deepEqual([metadata.threshold, metadata.temperature, metadata.classNames], [0.5, 1.5, classNames]);
	const sure = predicted("--model", "float32/model.keras", "--threshold", "1").map((row) => row.sure);
	assert.deepEqual(
		sure,
		expected.map(({ probability }) => probability >= 1),
	);
	assert.equal(expected[0].sure, undefined);
});

test("a model for images of another size reads them in its own", async () => {
	const wide = cnn({ inputShape: [20, 24, 1], filters: [4], denseUnits: 4, classes: 3, seed: 1 });
	const metadata = { classNames: ["a", "b", "c"], temperature: null };
	await exportModel(wide, join(work, "wide"), { format: "keras", metadata });
	const rows = predicted("--model", "wide");
	assert.ok(rows.every(({ label, probabilities }) => probabilities.length === 3 && "abc".includes(label)));
});

test("what cannot be used is refused in one line", () => {
	writeFileSync(join(work, "damaged.html"), readFileSync(join(work, "float32", "index.html")).subarray(0, 4000));
	writeFileSync(join(work, "damaged.keras"), "no zip");
	const cat = join(imageFolder, "cats", "plain.jpg");
	for (const [args, message] of [
		[["predict", cat, "--model", "missing"], /^there is no \S+missing$/],
		[
			["predict", cat, "--model", "damaged.html"],
			/^\S+ cannot be used \(there is no model in the page\): export it again/,
		],
		[["predict", cat, "--model", "damaged.keras"], /^\S+ is not a file of Keras 3: no zip archive/],
		[
			["predict", cat, "--model", "float32"],
			/several exported models: .*\(model\.keras, saved_model, model\.onnx, tfjs, /,
		],
		[["predict", cat, "--model", "float32/model.onnx"], /^\S+ is for ONNX Runtime, and cannot be read here: export/],
		[
			["predict", cat, "--model", "m", "--artifacts", "a"],
			/^--model m and --artifacts a are two models: leave out one/,
		],
		[["export", "--threshold", "2"], /^--threshold 2: expected a probability, 0 to 1$/],
		[["serve", "--threshold", ""], /^--threshold : expected a probability, 0 to 1$/],
	] as [[string, ...string[]], RegExp][]) {
		const { status, stdout, stderr } = runs(...args);
		assert.deepEqual([status, stdout, stderr.split("\n").length], [1, "", 2], stderr);
		assert.match(stderr.trim(), message);
	}
});
