// Files of a sweep's trials that are damaged, and trials that return something else than curves.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { grid } from "../../src/sweep/space";
import { sweep } from "../../src/sweep/sweep";
import { newTrial, type Trial } from "../../src/sweep/trial";
import { resumedTrial, saveTrial } from "../../src/sweep/trial-files";
import { root, temporaryFolder } from "../helpers";

const curves = { loss: [0.7, 0.5], acc: [0.5, 0.5], valLoss: [0.6, 0.8], valAcc: [0.5, 0.5] };
const waiting = (id = 3) => newTrial(id, { dropout: 0.1, epochs: 2 }, 1);
const ended = (changes: object = {}) => ({
	...waiting(),
	state: "complete",
	curves,
	attempts: 1,
	seconds: 2,
	...changes,
});

describe("a trial that an earlier run has saved", () => {
	const folder = temporaryFolder();
	const file = join(folder, "trials", "0003.json");
	mkdirSync(join(folder, "trials"));
	/** Resumes a trial, and returns it with the lines that were logged. */
	const resume = (content: string | Buffer) => {
		writeFileSync(file, content);
		const lines: string[] = [];
		const rules = { objective: "valLoss", module: null } as const;
		return { trial: resumedTrial(folder, waiting(), rules, (line) => lines.push(line)), lines };
	};

	test("is what was saved, with the value that follows from its curves", () => {
		saveTrial(folder, { ...ended(), value: 0.6 } as Trial);
		const saved = readFileSync(file);
		assert.deepEqual(resume(saved), { trial: { ...ended(), value: 0.6 }, lines: [] });
		const other = resume(JSON.stringify(ended({ value: -5, unknown: 1 })));
		assert.deepEqual(other, { trial: { ...ended(), value: 0.6 }, lines: [] });
		const diverged = ended({
			state: "failed",
			error: "the loss is not a number",
			curves: { ...curves, loss: [1, null] },
		});
		assert.deepEqual(resume(JSON.stringify(diverged)).trial.curves.loss, [1, Number.NaN]);
	});

	test("runs again when its file is damaged, with a line that names it", () => {
		const json = JSON.stringify(ended());
		const damaged: [string | Buffer | object, RegExp][] = [
			[json.slice(0, json.length / 2), /it is no JSON/],
			["", /it is no JSON/],
			[Buffer.alloc(500), /it is no JSON/],
			["null", /expected an object/],
			[[ended()], /expected an object/],
			[json.replace("0.7", "NaN"), /it is no JSON/],
			[ended({ curves: { ...curves, loss: [null, 0.5] } }), /not a number/],
			[ended({ curves: { ...curves, loss: ["0.7", 0.5] } }), /loss is a list of 2: expected a list of numbers/],
			[ended({ curves: { ...curves, acc: [0.5] } }), /1 epochs: expected as many in each/],
			[ended({ curves: { loss: [], acc: [], valLoss: [], valAcc: [] } }), /no epoch has ended/],
			[ended({ curves: Object.fromEntries(Object.keys(curves).map((name) => [name, [1, 1, 1]])) }), /at most 2/],
			[ended({ state: "done\n\u001b[2J" }), /state is "done\\n/],
			[ended({ state: "running" }), /expected one of "complete", "pruned", "failed"/],
			[ended({ state: "failed" }), /state is failed, but error is null/],
			[ended({ id: 4 }), /id is 4: expected 3/],
			[ended({ id: "3" }), /id is "3": expected a whole number/],
			[ended({ parameters: { dropout: 0.2, epochs: 2 } }), /the search space gives .*0\.1/],
			[ended({ threads: "1" }), /threads is "1"/],
			[ended({ seconds: null }), /seconds is null/],
		];
		for (const [content, reason] of damaged) {
			const text = typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content);
			const { trial, lines } = resume(text);
			assert.deepEqual(trial, waiting(), String(reason));
			assert.equal(lines.length, 1);
			assert.ok(lines[0].startsWith(`${file} is damaged, so that trial 3 runs again: `), lines[0]);
			assert.match(lines[0], reason);
			// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
			assert.doesNotMatch(lines[0], /[\x00-\x1f]/);
		}
	});

	test("runs again when its file is a pipe, which nothing may open", () => {
		const lines: string[] = [];
		assert.equal(spawnSync("mkfifo", [join(folder, "trials", "0004.json")]).status, 0);
		const rules = { objective: "valLoss", module: null } as const;
		assert.deepEqual(
			resumedTrial(folder, waiting(4), rules, (line) => lines.push(line)),
			waiting(4),
		);
		assert.match(lines.join(), /0004\.json is damaged, .*: it is not a file$/);
	});
});

describe("a sweep of trials that train nothing", () => {
	const module = join(root, "test", "fixtures", "quick-trial.ts");
	const folder = temporaryFolder();
	const run = async (values: number[]) => {
		const lines: string[] = [];
		const seen = new Set<number>();
		const options = { dataset: folder, folder, module, retries: 1, log: (line: string) => lines.push(line) };
		const onChange = (_: Trial[], trial?: Trial) => trial && seen.add(trial.id);
		return { ...(await sweep({ dropout: grid(...values) }, { ...options, onChange })), lines, seen: [...seen] };
	};

	test("runs a trial again whose file was cut short, and no other", async () => {
		const first = await run([0.3, 0.1, 0.2]);
		const damaged = join(first.folder, "trials", "0001.json");
		writeFileSync(damaged, readFileSync(damaged, "utf8").slice(0, 40));
		writeFileSync(join(first.folder, "sweep.json"), "{");
		const second = await run([0.3, 0.1, 0.2]);
		assert.deepEqual(second.seen, [1]);
		assert.equal(second.lines.length, 1);
		const values = second.trials.map(({ state, value }) => [state, value]);
		assert.deepEqual(
			values,
			[0.3, 0.1, 0.2].map((value) => ["complete", value]),
		);
		assert.equal(second.best?.id, 1);
		JSON.parse(readFileSync(join(first.folder, "sweep.json"), "utf8"));
		assert.deepEqual((await run([0.3, 0.1, 0.2])).seen, []);
	});

	test("fails a trial that returns no curves, once, and continues", async () => {
		const { trials, best } = await run([0.91, 0.92, 0.93, 0.94, 0.5]);
		assert.deepEqual(
			trials.map(({ state, attempts }) => [state, attempts]),
			[...Array(4).fill(["failed", 1]), ["complete", 1]],
		);
		for (const { error } of trials.slice(0, 4)) assert.match(error ?? "", /^curves: .*: expected /);
		assert.equal(best?.id, 4);
	});
});
