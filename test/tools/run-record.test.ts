import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fingerprint } from "../../src/datasets/fingerprint";
import { classificationReportRows } from "../../src/metrics/classification";
import { confusionMatrix } from "../../src/metrics/confusion";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { type EvaluationRecord, loadRecords, recordEvaluation } from "../../src/pipeline/records";
import { saveArtifact } from "../../src/support/artifacts";
import { writeComparison } from "../../tools/report/compare";
import { readRun, writeRun } from "../../tools/report/run-record";
import type { NotebookArguments } from "../../tools/run/arguments";
import { imageFolder, root, temporaryFolder } from "../helpers";

const work = temporaryFolder();
const dataset = join(work, "dataset");
mkdirSync(dataset);
const history = { loss: [1], acc: [0.5], valLoss: [1], valAcc: [0.5], epochsRun: 1, seconds: 1 };
const saved = { dataset, history, data: null, files: { "model.json": "0", "weights.bin": "0" } };
const AVERAGES = ["accuracy", "macro avg", "weighted avg"];

/** The artifacts of an evaluated model with one test image per class, of which the first two are confused. */
function evaluated(name: string, classNames: string[]): NotebookArguments {
	const [artifacts, reports] = [join(work, name, "artifacts"), join(work, name, "reports")];
	const labels = classNames.map((_, label) => label);
	const yPred = [1, 0, ...labels.slice(2)];
	saveArtifact(artifacts, "training", { ...saved, classNames, parameters: { epochs: 1 } });
	recordEvaluation(artifacts, {
		test: { loss: 0.5, accuracy: 1 - 2 / labels.length },
		report: classificationReportRows(labels, yPred, { labels, targetNames: classNames }),
		confusionMatrix: confusionMatrix(labels, yPred, { labels }),
		rocAuc: classNames.map((className) => ({ class: className, auc: 1 })),
		temperature: 1,
		seconds: 1,
	});
	return { dataset, artifacts, reports, values: {}, declared: {} } as unknown as NotebookArguments;
}

/** The rows of the report as Python reads them, in the file's order. */
function inPython(reports: string): [string, { support: number; recall: number }][] {
	const script = "import json, sys; print(json.dumps(list(json.load(open(sys.argv[1]))['report'].items())))";
	const file = join(reports, "metrics.json");
	const { stdout, stderr } = spawnSync(join(root, ".venv", "bin", "python"), ["-c", script, file], {
		encoding: "utf8",
	});
	assert.equal(stderr, "");
	return JSON.parse(stdout);
}

describe("the report of metrics.json", () => {
	const kinds = {
		numbers: ["007", "10", "2", "1e3", "-1", "4294967295", "true"],
		averages: ["weighted avg", "accuracy", "macro avg", "accuracy (average)"],
		properties: ["__proto__", "constructor", "toString", "hasOwnProperty"],
	};
	for (const [kind, classNames] of Object.entries(kinds)) {
		test(`has a row for each class, in their order: ${classNames.join(", ")}`, async () => {
			const options = evaluated(kind, classNames);
			const record = await writeRun(options);
			const rows = inPython(options.reports);
			assert.deepEqual(
				rows.slice(0, -3).map(([name]) => name),
				classNames,
			);
			assert.deepEqual(
				rows.map(([, { support }]) => support),
				[...classNames.map(() => 1), ...AVERAGES.map(() => classNames.length)],
			);
			assert.deepEqual(
				rows.slice(0, -3).map(([, { recall }]) => recall),
				record.confusionMatrix?.map((row, i) => row[i]),
			);
			assert.equal(rows.at(-3)?.[1].recall, record.test?.accuracy);
			const averages = rows.slice(-3).map(([name]) => name.replaceAll(" (average)", ""));
			assert.deepEqual(averages, AVERAGES);
			assert.deepEqual(
				record.reportRows?.map((row) => row.class),
				[...classNames, ...AVERAGES],
			);
		});

		test(`is compared in that order: ${classNames.join(", ")}`, async () => {
			const { reports } = evaluated(`compared ${kind}`, classNames);
			await writeRun(evaluated(`compared ${kind}`, classNames));
			const run = readRun(reports);
			const html = readFileSync(writeComparison([run, run], reports), "utf8");
			const report = html.slice(html.indexOf("<h2>Classification reports</h2>"));
			const names = [...report.matchAll(/<tr><th>([^<]+)<\/th><td/g)].map(([, name]) => name);
			assert.deepEqual(names, [...classNames, ...AVERAGES, ...classNames, ...AVERAGES]);
		});
	}

	test("of an earlier version is compared in the order of the classes", async () => {
		const options = evaluated("earlier", ["007", "10", "2"]);
		const { reportRows, report, ...rest } = await writeRun(options);
		writeFileSync(join(options.reports, "metrics.json"), JSON.stringify({ ...rest, report }));
		assert.deepEqual(readRun(options.reports).reportRows, reportRows);
	});
});

describe("a run has the numbers of one model and one data set", () => {
	test("an evaluation is not that of a model that was trained after it", async () => {
		const options = evaluated("trained again", ["a", "b", "c"]);
		assert.equal((await writeRun(options)).test?.loss, 0.5);
		saveArtifact(options.artifacts, "training", {
			...saved,
			classNames: ["a", "b", "c"],
			parameters: { epochs: 2 },
		});
		const { test, report, reportRows, confusionMatrix, seconds, epochsRun } = await writeRun(options);
		assert.deepEqual([test, report, reportRows, confusionMatrix, seconds.evaluate], [null, null, null, null, null]);
		assert.equal(epochsRun, 1);
	});

	test("an evaluation is that of the model it was given, whatever is saved meanwhile", async () => {
		const options = evaluated("two runs at once", ["a", "b", "c"]);
		const evaluation = loadRecords(options.artifacts).evaluation as EvaluationRecord;
		const own = { ...saved, classNames: ["a", "b", "c"], parameters: DEFAULT_PARAMETERS };
		recordEvaluation(options.artifacts, evaluation, own);
		assert.equal((await writeRun(options)).test, null);
		saveArtifact(options.artifacts, "training", own);
		assert.equal((await writeRun(options)).test?.loss, 0.5);
	});

	test("a model of the same images is of this run, wherever they lay when it was trained", async () => {
		const [options, moved] = [evaluated("moved", ["cats", "dogs"]), join(work, "moved dataset")];
		for (const split of ["train", "valid"]) cpSync(imageFolder, join(moved, split), { recursive: true });
		const training = { ...saved, classNames: ["cats", "dogs"], parameters: { epochs: 1 } };
		for (const [data, epochsRun] of [[await fingerprint(moved), 1] as const, ["another", null] as const]) {
			saveArtifact(options.artifacts, "training", { ...training, data });
			assert.equal((await writeRun({ ...options, dataset: moved })).epochsRun, epochsRun);
		}
	});

	test("records of another data set are not of this run", async () => {
		const options = evaluated("other data set", ["a", "b", "c"]);
		const other = join(work, "other");
		mkdirSync(other);
		const { test, classNames, epochsRun, history } = await writeRun({ ...options, dataset: other });
		assert.deepEqual([test, classNames, epochsRun, history], [null, null, null, {}]);
	});
});
