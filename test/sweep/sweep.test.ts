import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { successiveHalving } from "../../src/sweep/halving";
import { choice, grid, type Space, uniform } from "../../src/sweep/space";
import { type SweepOptions, sweep } from "../../src/sweep/sweep";
import type { Trial } from "../../src/sweep/trial";
import { outcome, root, smallDataset, smallSpace, temporaryFolder } from "../helpers";

const dataset = smallDataset();
const dying = join(root, "test", "fixtures", "dying-trial.ts");
const space: Space = { ...smallSpace, epochs: 3 };
const search = (options: Partial<SweepOptions> = {}, searched = space) =>
	sweep(searched, { dataset, folder: join(temporaryFolder(), "sweeps"), trials: 3, threads: 1, ...options });
const run = async (...given: Parameters<typeof search>) => (await search(...given)).trials;
/** The folder of the only sweep in a folder. */
const only = (folder: string) => join(folder, readdirSync(folder).join());

describe("sweep", () => {
	let serial: Trial[];

	test("two workers give the same results as one, to the bit", async () => {
		serial = await run();
		assert.deepEqual(
			serial.map(({ id, state, attempts }) => ({ id, state, attempts })),
			[0, 1, 2].map((id) => ({ id, state: "complete", attempts: 1 })),
		);
		for (const { curves, value } of serial) {
			assert.deepEqual(
				Object.values(curves).map((curve) => curve.length),
				[3, 3, 3, 3],
			);
			assert.equal(value, Math.min(...curves.valLoss));
		}
		assert.equal(new Set(serial.map(({ value }) => value)).size, 3);
		assert.deepEqual(outcome(await run({ workers: 2 })), outcome(serial));
	});

	test("a trial whose process is killed resumes from its last epoch and counts once", async () => {
		const folder = join(temporaryFolder(), "sweeps");
		const epochs: number[] = [];
		const onChange = (_: Trial[], changed?: Trial) => {
			if (changed?.id === 0 && changed.state === "running") epochs.push(changed.curves.loss.length);
		};
		const trials = await run({ folder, module: dying, workers: 2, onChange });
		assert.deepEqual(outcome(trials), outcome(serial));
		assert.deepEqual(
			trials.map(({ attempts }) => attempts),
			[2, 2, 2],
		);
		// Start, two epochs, killed before the second checkpoint, resumed, the second and the third epoch.
		assert.deepEqual(epochs, [0, 1, 2, 2, 2, 3]);
		assert.deepEqual(readdirSync(join(only(folder), "trials")), ["0000.json", "0001.json", "0002.json"]);
	});

	test("a sweep that is killed resumes", async () => {
		const folder = join(temporaryFolder(), "sweeps");
		const options = JSON.stringify({ dataset, folder, trials: 3, threads: 1 });
		const code = `
			const { sweep } = require("./src/sweep");
			sweep(${JSON.stringify(space)}, { ...${options}, onChange: (_, trial) => {
				if (trial?.id === 1 && trial.curves.loss.length === 2) process.kill(process.pid, "SIGKILL");
			} });`;
		const child = spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], { cwd: root, stdio: "ignore" });
		await new Promise((ended) => child.on("exit", ended));
		assert.deepEqual(readdirSync(join(only(folder), "trials")), ["0000.json"]);
		const seen = new Set<number>();
		const trials = await run({ folder, onChange: (_, trial) => trial && seen.add(trial.id) });
		assert.deepEqual([...seen], [1, 2], "a complete trial does not run again");
		assert.deepEqual(outcome(trials), outcome(serial));
	});

	test("a trial that throws is retried, then fails with its error, and the sweep continues", async () => {
		const { trials, best } = await search(
			{ module: dying, retries: 1 },
			{ ...space, dropout: grid(0.77, 0.1), epochs: 1 },
		);
		assert.deepEqual(
			trials.map(({ state, attempts, error }) => ({ state, attempts, error })),
			[
				...Array(3).fill({ state: "failed", attempts: 2, error: "this trial cannot be run" }),
				...Array(3).fill({ state: "complete", attempts: 1, error: null }),
			],
		);
		const values = trials.slice(3).map(({ value }) => value as number);
		assert.equal(best, trials[3 + values.indexOf(Math.min(...values))]);
	});

	test("bad trials are pruned", async () => {
		const trials = await run({ halving: { minEpochs: 1, reductionFactor: 2 }, objective: "loss" });
		for (const { state, curves } of trials) assert.equal(state === "complete", curves.loss.length === 3);
		assert.deepEqual(trials[0].state, "complete");
		const first = trials.map(({ curves }) => curves.loss[0]);
		assert.equal(trials[1].state === "pruned" && trials[1].curves.loss.length === 1, first[1] > first[0]);
	});

	test("trials that reach their last epoch are complete even if halving would prune them", async () => {
		const trials = await run({ halving: { minEpochs: 3, reductionFactor: 2 } });
		assert.deepEqual(
			trials.map(({ state, curves }) => [state, curves.loss.length]),
			Array(3).fill(["complete", 3]),
		);
	});

	test("an invalid sweep is an error before any trial runs", async () => {
		const folder = join(temporaryFolder(), "sweeps");
		await assert.rejects(
			run({ folder }, { learningrate: 1 }),
			/the space has learningrate, which is not a hyperparameter: expected one of imageSize,/,
		);
		await assert.rejects(run({ folder }, { dropout: choice() }), /dropout in the space: choices is empty/);
		await assert.rejects(
			run({ folder }, { dropout: uniform(0, 1) }),
			/dropout in the space can be 1: expected a number/,
		);
		await assert.rejects(
			run({ folder, dataset: join(dataset, "none") }),
			/cannot read .*none\/train: there is no such/,
		);
		await assert.rejects(
			run({ folder, halving: { reductionFactor: 1 } }),
			/reductionFactor is 1: expected more than 1/,
		);
		assert.ok(!existsSync(folder));
	});

	test("the same sweep loads its results; another space or other images make another sweep", async () => {
		const options = { folder: join(temporaryFolder(), "sweeps"), trials: 1 };
		const short = { ...space, epochs: 1 };
		const first = await search(options, short);
		assert.deepEqual(
			await search({ ...options, onChange: (_, trial) => assert.ok(!trial, "a trial runs again") }, short),
			first,
		);
		const longer = await search(options);
		const other = smallDataset();
		rmSync(join(other, "valid", "cats", "plain.jpg"));
		const folders = [first, longer, await search({ ...options, dataset: other }, short)].map(({ folder }) => folder);
		assert.equal(new Set(folders).size, 3);
		assert.deepEqual(readdirSync(options.folder).sort(), folders.map((folder) => basename(folder)).sort());
	});

	test("a checkpoint that cannot be written fails only that attempt, with its error", async () => {
		const runWithoutBackups = (retries: number) => {
			const folder = join(temporaryFolder(), "sweeps");
			const onChange = (_: Trial[], trial?: Trial) => {
				const backups = join(only(folder), "backups");
				const isLink = lstatSync(backups, { throwIfNoEntry: false })?.isSymbolicLink();
				if (trial?.id !== 1 || trial.attempts !== 1) {
					if (isLink) rmSync(backups);
				} else if (!isLink) {
					rmSync(backups, { recursive: true });
					// A link that leads nowhere: the folder is neither found nor made.
					symlinkSync("/nowhere/at/all", backups);
				}
			};
			return run({ folder, retries, onChange });
		};
		const trials = await runWithoutBackups(1);
		assert.deepEqual(outcome(trials), outcome(serial));
		assert.deepEqual(
			trials.map(({ attempts }) => attempts),
			[1, 2, 1],
		);
		const [first, failed, last] = await runWithoutBackups(0);
		assert.deepEqual([first.state, failed.state, last.state], ["complete", "failed", "complete"]);
		assert.match(failed.error ?? "", /0001 cannot be written: /);
	});

	test("an error outside a trial ends the sweep, and the same call resumes it", async () => {
		const folder = join(temporaryFolder(), "sweeps");
		const seen = new Set<number>();
		const breaking = (_: Trial[], trial?: Trial) => {
			if (trial) seen.add(trial.id);
			if (trial?.curves.loss.length === 2) throw new Error("cannot be drawn");
		};
		await assert.rejects(run({ folder, workers: 2, onChange: breaking }), /^Error: cannot be drawn$/);
		assert.deepEqual([...seen].sort(), [0, 1], "no trial starts after the error");
		const blocked = join(only(folder), "trials", "0000.json");
		mkdirSync(blocked, { recursive: true });
		await assert.rejects(run({ folder }), /0000\.json cannot be written: EISDIR/);
		rmdirSync(blocked);
		assert.deepEqual(outcome(await run({ folder })), outcome(serial));
	});
});

test("successive halving continues the best third of the trials that reached the rung before", () => {
	const shouldContinue = successiveHalving("max", { minEpochs: 1, reductionFactor: 3 });
	// At each rung: the first trial, then those at or above NumPy's 2/3 quantile of the earlier ones.
	const first = [0.5, 0.6, 0.4, 0.55, 0.58, 0.9, Number.NaN].map((value) => shouldContinue(1, value));
	assert.deepEqual(first, [true, true, false, true, true, true, false]);
	assert.deepEqual(
		[2, 4, 5, 8].map((epoch) => shouldContinue(epoch, 0)),
		[true, true, true, true],
		"only at rungs",
	);
	assert.deepEqual(
		[0.7, 0.6, 0.65].map((value) => shouldContinue(3, value)),
		[true, false, false],
	);
	const minimizing = successiveHalving("min", { minEpochs: 2 });
	assert.deepEqual(
		[1, 2, 0.5].map((value) => minimizing(2, value)),
		[true, false, true],
	);
});
