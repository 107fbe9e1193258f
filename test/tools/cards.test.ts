// The model card and the data sheet of a run.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { proportionConfint } from "../../src/metrics/proportion";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { loadPredictions, recordPredictions } from "../../src/pipeline/predictions";
import type { ModelRecord } from "../../src/pipeline/records";
import { percent } from "../../src/support/format";
import { type CardRecords, writeCards } from "../../tools/report/cards";
import type { RunRecord } from "../../tools/report/run-record";
import { printed, temporaryFolder } from "../helpers";

const classNames = ["<b>béton</b>", "a|b"];
const run = {
	date: "2026-01-02T03:04:05.000Z",
	dataset: "/somewhere/photos",
	synthetic: false,
	counts: { train: 80, valid: 20, test: 20 },
	removed: 3,
	epochsRun: 4,
	test: { accuracy: 0.9, loss: 0.25 },
	confusionMatrix: [
		[10, 0],
		[2, 8],
	],
	verdict: ["The images are good enough."],
	versions: { tensorflow: "2.21.0" },
	device: "CPU: a processor",
	origin: {
		data: [{ split: "train", class: "a|b", images: 40, sha256: "f".repeat(64) }],
		code: { commit: "c0ffee", isChanged: true },
		locks: {},
		changed: {},
	},
} as unknown as RunRecord;
const records: CardRecords = {
	run,
	training: { classNames, parameters: DEFAULT_PARAMETERS } as unknown as ModelRecord,
	issues: { dataset: "", state: "", duplicates: [] },
	evaluation: {
		temperature: 0.8,
		slices: [{ property: "brightness", from: 0.1, to: 0.2, images: 9, accuracy: 1, low: 0.6, high: 1 }],
		calibrationError: [0.031, 0.012],
		threshold: { class: "a|b", falseNegativeCost: 5, falsePositiveCost: 1, theory: 1 / 6, tuned: 0.21 },
	},
};

function folders() {
	const [artifacts, dataset] = [temporaryFolder(), temporaryFolder()];
	return { artifacts, dataset, card: join(artifacts, "MODEL_CARD.md"), sheet: join(dataset, "DATASHEET.md") };
}

describe("the cards of a run", () => {
	test("have its figures, with intervals, and names as they are", () => {
		const { card, sheet, ...places } = folders();
		writeCards(records, places);
		const text = readFileSync(card, "utf8");
		const { low, high } = proportionConfint(8, 10);
		assert.ok(text.includes(`80.0 % (95 %: ${percent(low)} to ${percent(high)})`));
		const figures = ["90.0 %", "0.2500", "0.800", "3.1 % without it and 1.2 % with it", "0.17 on; 0.21 costs least"];
		const slice = "| brightness 0.10 to 0.20 | 9 | 100.0 % (60.0 % to 100.0 %) |";
		for (const part of [...figures, slice, "c0ffee, with changes", "The images are good enough"])
			assert.ok(text.includes(part), part);
		assert.ok(!/(?<!\\)<b>/.test(text) && !text.includes("/somewhere"));
		const rows = text.split("\n").filter((line) => line.startsWith("|"));
		for (const row of rows) assert.equal(row.match(/(?<!\\)\|/g)?.length, 4, row);
		assert.match(readFileSync(sheet, "utf8"), /f{64}/);
	});

	test("say what prediction sets fitted on validation images hold of the test images", () => {
		const { card, sheet, ...places } = folders();
		const artifacts = temporaryFolder();
		const images = (labels: number[], wrong: number) => ({
			yTrue: labels,
			logits: labels.map((label, i) => [0, 1].map((k) => ((k === label) === i >= wrong ? 3 : 0))),
		});
		const labels = Array.from({ length: 40 }, (_, i) => i % 2);
		const model = records.training as ModelRecord;
		recordPredictions(
			artifacts,
			{
				...{ classNames, positiveClass: 0, seed: 1, costs: { falseNegative: 1, falsePositive: 1 } },
				...{ valid: images(labels, 1), test: images(labels, 4) },
				...{ names: [], lookAlikes: [], leftOut: [], properties: {}, mapCorrelations: [] },
			},
			model,
		);
		writeCards({ ...records, predictions: loadPredictions(artifacts, model) }, places);
		// One validation image in 40 is wrong: 39 of 41 is a coverage of 95 %, so sets hold the predicted class only.
		const { low, high } = proportionConfint(36, 40);
		const sentence = `hold the class of 90.0 % (95 %: ${percent(low)} to ${percent(high)}) of the test images, and 1.00 classes`;
		assert.ok(readFileSync(card, "utf8").includes(sentence));
	});

	test("begin with the fields that model hubs read", () => {
		const { card, sheet, ...places } = folders();
		writeCards(records, places);
		const [, head] = /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(card, "utf8")) ?? [];
		const fields = Object.fromEntries(
			head
				.split("\n")
				.filter((line) => !line.startsWith("#"))
				.map((line) => [line.slice(0, line.indexOf(":")), JSON.parse(line.slice(line.indexOf(":") + 1))]),
		);
		assert.equal(fields.pipeline_tag, "image-classification");
		const [{ results }] = fields["model-index"];
		assert.deepEqual(results[0].metrics[0], { type: "accuracy", value: 0.9 });
		assert.equal(results[0].dataset.name, "photos");
	});

	test("keep what a person has filled in when they are made again", () => {
		const { card, sheet, ...places } = folders();
		writeCards(records, places);
		const filled = (file: string, name: string, text: string) => {
			const field = new RegExp(`(<!-- yours: ${name} -->\n)[^]*?(\n<!-- end -->)`);
			writeFileSync(
				file,
				readFileSync(file, "utf8").replace(field, (_, start, end) => start + text + end),
			);
		};
		filled(card, "intended-use", "Sorting tiles.\n\nNot for bridges: $& stays $&.");
		filled(sheet, "uses", "Research.");
		writeCards({ ...records, run: { ...run, test: { accuracy: 0.5, loss: 1.5 } } as RunRecord }, places);
		const text = readFileSync(card, "utf8");
		assert.ok(text.includes("Sorting tiles.\n\nNot for bridges: $& stays $&.") && text.includes("1.5000"));
		assert.ok(text.includes("*Fill in: whom mistakes of the model can harm, and how*"));
		assert.ok(readFileSync(sheet, "utf8").includes("Research."));
	});

	test("leave alone a file of that name that is none, and a folder that cannot be written", async () => {
		const { card, sheet, ...places } = folders();
		writeFileSync(card, "# My own card\n");
		mkdirSync(sheet);
		const lines = await printed(() => writeCards(records, places));
		assert.match(lines, /MODEL_CARD\.md has no fields of a card: it is left as it is/);
		assert.match(lines, /DATASHEET\.md is not written: /);
		assert.equal(readFileSync(card, "utf8"), "# My own card\n");
	});

	test("say what a run without an evaluation lacks", () => {
		const { card, sheet, ...places } = folders();
		writeCards(
			{ ...records, run: { ...run, test: null, confusionMatrix: null } as RunRecord, evaluation: null },
			places,
		);
		assert.match(readFileSync(card, "utf8"), /has not been evaluated/);
	});
});
