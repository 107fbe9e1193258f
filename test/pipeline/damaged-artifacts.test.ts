import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { cnn } from "../../src/cnn/cnn";
import { SPLITS } from "../../src/images/folders";
import { ensureClean } from "../../src/pipeline/ensure-clean";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { loadOrTrain } from "../../src/pipeline/pipeline";
import { type EvaluationRecord, loadRecords, recordEvaluation } from "../../src/pipeline/records";
import { loadModel, saveModel } from "../../src/pipeline/saved-model";
import { imageFolder, printed, temporaryFolder } from "../helpers";

process.env.XDG_CACHE_HOME = temporaryFolder();

const edited = (edit: (record: Record<string, unknown>) => unknown) => (file: string) => {
	const record = JSON.parse(readFileSync(file, "utf8"));
	writeFileSync(file, JSON.stringify(edit(record) ?? record));
};
const inItsPlace = (make: (file: string) => unknown) => (file: string) => {
	rmSync(file);
	make(file);
};

/** What can happen to any file. */
const DAMAGE: Record<string, (file: string) => unknown> = {
	empty: (file) => writeFileSync(file, ""),
	cut: (file) => writeFileSync(file, readFileSync(file).subarray(0, -30)),
	garbage: (file) => writeFileSync(file, "\0\x1b[2J\nno JSON"),
	"with other bytes": (file) =>
		writeFileSync(
			file,
			readFileSync(file).map((byte, i) => (i < 4000 ? byte ^ 0x55 : byte)),
		),
	"of another type": (file) => writeFileSync(file, '"text"'),
	null: (file) => writeFileSync(file, "null"),
	"a folder": inItsPlace((file) => mkdirSync(file)),
	"a pipe": inItsPlace((file) => assert.equal(spawnSync("mkfifo", [file]).status, 0)),
	"a link to an endless device": inItsPlace((file) => symlinkSync("/dev/zero", file)),
	"a link to itself": inItsPlace((file) => symlinkSync(file, file)),
};

/** What can be wrong with records. */
const WRONG: Record<string, Record<string, (file: string) => unknown>> = {
	"training.json": {
		"without files": edited((record) => delete record.files && record),
		"with text for the loss": edited((record) => ({ ...record, history: { ...Object(record.history), loss: ["x"] } })),
		"with another class": edited((record) => ({ ...record, classNames: ["cats", "dogs", "cows"] })),
		"with classes in another order": edited((record) => ({ ...record, classNames: ["dogs", "cats"] })),
		"with a number for a class": edited((record) => ({ ...record, classNames: ["cats", 1] })),
		"with a list for the parameters": edited((record) => ({ ...record, parameters: [1] })),
	},
	"cleaning.json": {
		"with text for a count": edited((record) => ({ ...record, counts: [{ split: "test", class: "a", images: "5" }] })),
		"without a data set": edited((record) => delete record.dataset && record),
	},
	"evaluation.json": {
		"with text for the accuracy": edited((record) => ({ ...record, test: { loss: 1, accuracy: "high" } })),
		"without a report": edited((record) => delete record.report && record),
		"with a list for a row": edited((record) => ({ ...record, report: [{ class: "cats" }] })),
	},
};

const dataset = temporaryFolder();
for (const split of SPLITS) cpSync(imageFolder, join(dataset, split), { recursive: true });
const parameters = { ...DEFAULT_PARAMETERS, imageSize: 46, batchSize: 8, epochs: 1, augment: false };
const history = { loss: [1], acc: [0.5], valLoss: [1], valAcc: [0.5], epochsRun: 1, seconds: 1 };
const scores = { precision: 1, recall: 1, f1: 1, support: 8 };
const evaluation: Omit<EvaluationRecord, "model"> = {
	test: { loss: 1, accuracy: 0.5 },
	report: ["cats", "dogs"].map((name) => ({ class: name, ...scores })),
	confusionMatrix: [
		[1, 2],
		[3, 4],
	],
	rocAuc: [{ class: "cats", auc: 1 }],
	temperature: 1,
	seconds: 1,
};

/** All artifacts of a run, whole. */
const whole = temporaryFolder();
const made = (async () => {
	const model = cnn({ inputShape: [46, 46, 3], classes: 2, dropout: 0.4, seed: 42 });
	const record = await saveModel(model, whole, { dataset, classNames: ["cats", "dogs"], parameters, history });
	await printed(() => ensureClean(dataset, whole));
	recordEvaluation(whole, evaluation, record);
})();

/** A copy of all artifacts with one damaged file. */
async function damaged(name: string, damage: (file: string) => unknown): Promise<{ artifacts: string; file: string }> {
	await made;
	const artifacts = temporaryFolder();
	cpSync(whole, artifacts, { recursive: true });
	damage(join(artifacts, name));
	return { artifacts, file: join(artifacts, name) };
}

const isOneLine = (text: string) => text.split("\n").length === 1 && !text.includes("\x1b");

describe("a damaged artifact is named with what to do, or made again", () => {
	const missing = { missing: (file: string) => rmSync(file) };
	for (const name of ["training.json", "model/model.json", "model/weights.bin"]) {
		for (const [what, damage] of Object.entries({ ...DAMAGE, ...WRONG[name], ...missing })) {
			test(`${name} ${what}`, async () => {
				const { artifacts, file } = await damaged(name, damage);
				if (name === "training.json" && what === "missing") return assert.equal(await loadModel(artifacts), null);
				await assert.rejects(loadModel(artifacts), ({ message }: Error) => {
					assert.ok(message.startsWith(file) && message.endsWith(": train a new model with npm start"), message);
					return isOneLine(message);
				});
			});
		}
	}

	for (const [what, damage] of Object.entries({ ...DAMAGE, ...WRONG["cleaning.json"] })) {
		test(`cleaning.json ${what}`, async () => {
			const { artifacts, file } = await damaged("cleaning.json", damage);
			if (what === "a folder") {
				await assert.rejects(
					printed(() => ensureClean(dataset, artifacts)),
					new RegExp(`^Error: ${file} cannot be written: `),
				);
				return;
			}
			const lines = (await printed(() => ensureClean(dataset, artifacts))).split("\n");
			assert.ok(lines[0].startsWith(`${file} is damaged`) && lines[0].endsWith(": it is made again"), lines[0]);
			assert.equal(lines.filter((line) => line.startsWith("Cleaned")).length, 3);
			assert.equal(loadRecords(artifacts).cleaning?.counts.length, 6);
		});
	}

	for (const [what, damage] of Object.entries({ ...DAMAGE, ...WRONG["evaluation.json"] })) {
		test(`evaluation.json ${what}`, async () => {
			const { artifacts, file } = await damaged("evaluation.json", damage);
			const text = await printed(() => {
				const { cleaning, training, evaluation } = loadRecords(artifacts);
				assert.ok(cleaning && training && evaluation === null);
			});
			assert.ok(text.startsWith(`${file} is damaged`) && text.endsWith("; npm start makes a new one"), text);
			assert.ok(isOneLine(text));
		});
	}

	test("whole records are loaded without a word, missing ones too", async () => {
		await made;
		const text = await printed(() => {
			const { cleaning, training, evaluation } = loadRecords(whole);
			assert.ok(cleaning && training && evaluation);
			assert.deepEqual(Object.values(loadRecords(temporaryFolder())), [null, null, null, null]);
		});
		assert.equal(text, "");
	});
});

const withoutModel = (artifacts: string) => rmSync(join(artifacts, "model"), { recursive: true });
const cut = (name: string) => (artifacts: string) => DAMAGE.cut(join(artifacts, name));
const MADE_AGAIN: Record<string, [(artifacts: string) => unknown, RegExp]> = {
	"no model": [withoutModel, /^\S+model\.json is missing$/],
	"a file as model": [
		(artifacts) => {
			withoutModel(artifacts);
			writeFileSync(join(artifacts, "model"), "garbage");
		},
		/^\S+model\.json cannot be read \(ENOTDIR.+\)$/,
	],
	"cut weights": [cut("model/weights.bin"), /^\S+weights\.bin is damaged \(.+\)$/],
	"a cut record": [cut("training.json"), /^\S+training\.json is damaged .+$/],
	"no record": [(artifacts) => rmSync(join(artifacts, "training.json")), /^No saved model in \S+$/],
};
for (const [what, [damage, reason]] of Object.entries(MADE_AGAIN)) {
	test(`with ${what}, loadOrTrain says so and trains again`, async () => {
		const { artifacts } = await damaged("", damage);
		const [line] = (await printed(() => loadOrTrain(dataset, artifacts, parameters))).split("\n");
		assert.match(line.replace(": training one first.", ""), reason);
		assert.equal(await printed(() => loadOrTrain(dataset, artifacts, parameters)), "");
	});
}
