// The origin of a run, and `npm run reproduce`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { before, describe, test } from "node:test";
import { compareFigures } from "../../tools/report/compare-figures";
import { differencesOf, type Origin } from "../../tools/report/origin";
import { type RunRecord, readRun } from "../../tools/report/run-record";
import { command, imageFolder, root, smallDataset, temporaryFolder } from "../helpers";

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");

describe("what differs between two origins", () => {
	const origin: Origin = {
		data: [
			{ split: "train", class: "cats", images: 3, sha256: sha256("a") },
			{ split: "train", class: "dogs", images: 2, sha256: sha256("b") },
		],
		code: { commit: "c0ffee", isChanged: false },
		locks: { "package-lock.json": sha256("lock") },
		changed: {},
	};

	test("is nothing where they are the same", () => assert.deepEqual(differencesOf(origin, origin), []));

	test("is said for images, code and dependencies", () => {
		const [cats] = origin.data as NonNullable<Origin["data"]>;
		const now: Origin = {
			data: [
				{ ...cats, sha256: sha256("c") },
				{ ...cats, class: "birds" },
			],
			code: { commit: "deaf", isChanged: true },
			locks: { "package-lock.json": sha256("other") },
			changed: {},
		};
		assert.deepEqual(differencesOf(origin, now), [
			"data: train/cats has other images",
			"data: train/birds was not there",
			"data: train/dogs is missing",
			"code: commit deaf instead of c0ffee",
			"code: files here differ from the commit",
			"dependencies: package-lock.json is another",
		]);
		const journal = { sha256: sha256("journal"), decisions: 3 };
		assert.deepEqual(differencesOf({ ...origin, journal: null }, { ...origin, journal }), [
			"labels: another journal, with 3 decisions instead of none",
		]);
		assert.deepEqual(differencesOf({ ...origin, journal }, { ...origin, journal }), []);
		assert.deepEqual(differencesOf({ ...origin, code: { commit: null, isChanged: null } }, origin), [
			"code: the run does not know its commit",
		]);
	});
});

test("figures are equal, within the interval of the run, or different", () => {
	const run = {
		classNames: ["a", "b"],
		counts: { train: 100, valid: 50, test: 20 },
		epochsRun: 2,
		test: {
			accuracy: 0.9,
			loss: 0.3,
			accuracyInterval: { low: 0.7, high: 0.97 },
			lossInterval: { low: 0.2, high: 0.4 },
		},
		confusionMatrix: [
			[9, 1],
			[1, 9],
		],
		reportRows: [{ class: "a", precision: 0.9, recall: 0.9, f1: 0.9, support: 10 }],
		history: { loss: [0.6], valAcc: [0.8] },
	} as unknown as RunRecord;
	assert.ok(compareFigures(run, run).every(({ verdict }) => verdict === "equal"));
	const other = { ...run, epochsRun: 3, test: { accuracy: 0.85, loss: 0.5 }, history: { loss: [0.65], valAcc: [0.1] } };
	const results = compareFigures(run, run).filter(({ isResult }) => isResult);
	assert.ok(results.length > 5 && results.every(({ name }) => !name.includes("epoch ")));
	const verdicts = new Map(compareFigures(run, other as RunRecord).map(({ name, verdict }) => [name, verdict]));
	for (const [name, verdict] of [
		["test accuracy", "within"],
		["test loss", "different"],
		["epochs", "different"],
		["a as a", "equal"],
		["loss, epoch 1", "within"],
		["valAcc, epoch 1", "different"],
	])
		assert.equal(verdicts.get(name), verdict, name);
	assert.equal(compareFigures(run, { ...run, test: null })[0].verdict, "different");
	// An average lies between the averages of its classes' bounds; twenty epochs have 95 % together.
	const row = (name: string, score: number) => ({
		class: name,
		precision: score,
		recall: score,
		f1: score,
		support: 10,
	});
	const rows = (average: number) => [row("a", 0.9), row("b", 0.9), row("accuracy", average), row("macro avg", average)];
	const epochs = (last: number) => ({ valAcc: [...Array(19).fill(0.8), last] });
	const whole = { ...run, reportRows: rows(0.9), history: epochs(0.8) } as RunRecord;
	const again = { ...run, reportRows: rows(0.8), history: epochs(0.64) } as RunRecord;
	const figures = new Map(compareFigures(whole, again).map(({ name, verdict }) => [name, verdict]));
	for (const name of ["accuracy, precision", "macro avg, recall", "macro avg, F1", "valAcc, epoch 20"])
		assert.equal(figures.get(name), "within", name);
	const far = { ...again, reportRows: rows(0.5) } as RunRecord;
	const farther = new Map(compareFigures(whole, far).map(({ name, verdict }) => [name, verdict]));
	assert.equal(farther.get("macro avg, F1"), "different");
});

describe("a run", () => {
	const work = temporaryFolder();
	const [dataset, reports] = [smallDataset(), join(work, "reports")];
	const page = join(reports, "05-evaluation.html");
	before(() => {
		cpSync(imageFolder, join(dataset, "test"), { recursive: true });
		const places = ["--dataset", dataset, "--artifacts", join(work, "artifacts"), "--reports", reports];
		const { code, out } = command("report", "04", "05", ...places, "--epochs", "1", "--image-size", "48");
		assert.equal(code, 0, out);
	});

	test("says where its figures come from, in metrics.json and on each page", () => {
		const record = JSON.parse(readFileSync(join(reports, "metrics.json"), "utf8")) as Required<RunRecord>;
		const { data, code, locks, changed } = record.origin;
		assert.deepEqual(
			data?.map((row) => [row.split, row.class, row.images]),
			["train", "valid", "test"].flatMap((split) => [
				[split, "cats", 4],
				[split, "dogs", 4],
			]),
		);
		assert.equal(locks["package-lock.json"], sha256(readFileSync(join(root, "package-lock.json"))));
		const head = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" });
		assert.equal(code.commit, head.status === 0 ? head.stdout.trim() : null);
		assert.deepEqual(changed, { imageSize: { value: 48, default: 64 }, epochs: { value: 1, default: 5 } });
		assert.deepEqual(readRun(page).origin, record.origin);
		// The notebook's parameter is the way from the notebooks, which can end as the path does.
		const given = relative(join(root, "notebooks"), dataset);
		assert.ok(!readFileSync(page, "utf8").replaceAll(given, "").includes(dataset));
	});

	test("runs again from its page: training is the same, and what is another is said", () => {
		writeFileSync(join(dataset, "test", "cats", "one more.png"), readFileSync(join(imageFolder, "dogs", "grey.PNG")));
		const { code, out } = command("reproduce", page, "--dataset", dataset);
		assert.ok(code === 2 || code === 3, out);
		assert.match(out, /^data: test\/cats has 5 images instead of 4$/m);
		assert.doesNotMatch(out, /^(data: (train|valid)|dependencies|versions|device)/m);
		assert.match(out, /^images, test +8 then, 9 now: different$/m);
		// To the last digit.
		assert.doesNotMatch(out, /^(loss|acc|valLoss|valAcc), epoch/m);
		const [, equal, all] = /^(\d+) of (\d+) figures are equal\.$/m.exec(out) ?? [];
		assert.ok(Number(equal) >= 8 && Number(all) >= 20 && Number(equal) < Number(all), out);
	});

	test("that is none, or of a later version, is refused in a line", () => {
		const file = join(work, "metrics.json");
		const refused = (content: object, message: RegExp) => {
			writeFileSync(file, JSON.stringify({ parameters: {}, counts: {}, versions: {}, ...content }));
			const { code, out } = command("reproduce", file);
			assert.equal(code, 1);
			assert.match(out, message);
		};
		refused({ schema: 99 }, /^reproduce .*metrics\.json: its schema is 99: expected 2 or less/m);
		refused({ origin: { data: 5 } }, /its origin is no origin of a run: expected an object, its data null or a list/);
		refused({ test: null }, /has no evaluation to compare with: npm start makes a whole run/);
		writeFileSync(join(work, "page.html"), "<p>no page of a run</p>");
		assert.match(command("reproduce", join(work, "page.html")).out, /the page has no record of a run/);
		assert.match(command("reproduce").out, /expected one run: npm run reproduce -- /);
	});
});
