import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, before, describe, test } from "node:test";
import { serialize } from "node:v8";
import { environmentOf, keyOf, sweepsKey } from "../../src/sweep/redis";
import { connect } from "../../src/sweep/redis-connection";
import { grid, type Space } from "../../src/sweep/space";
import { type SweepOptions, sweep } from "../../src/sweep/sweep";
import type { Trial } from "../../src/sweep/trial";
import { work } from "../../src/sweep/worker";
import { outcome, root, smallDataset, smallSpace, temporaryFolder } from "../helpers";
import { freePort, startRedis } from "../servers";

const skip = spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";
const space: Space = { ...smallSpace, epochs: 4 };

async function kill(child: ChildProcess): Promise<void> {
	const ended = once(child, "exit");
	child.kill("SIGKILL");
	await ended;
}

describe("a sweep over Redis", { skip }, () => {
	const dataset = smallDataset();
	const children: ChildProcess[] = [];
	const folder = temporaryFolder();
	let [port, redis, url] = [0, undefined as unknown as ChildProcess, ""];

	before(async () => {
		port = await freePort();
		url = `redis://127.0.0.1:${port}`;
		redis = await startRedis(folder, port);
	});
	afterEach(() => {
		for (const child of children.splice(0)) child.kill("SIGKILL");
	});

	const startWorker = async (data = dataset, env: NodeJS.ProcessEnv = {}) => {
		const args = [join(root, "tools", "cli.mjs"), "worker", "--redis", url, "--dataset", data, "--allow-modules"];
		const options = { cwd: root, env: { ...process.env, ...env } };
		const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
		children.push(child);
		const output: string[] = [];
		for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => output.push(String(text)));
		return { child, output };
	};
	const run = async (options: Partial<SweepOptions> = {}) => {
		const folder = join(temporaryFolder(), "sweeps");
		return (await sweep(space, { dataset, folder, trials: 4, threads: 1, ...options })).trials;
	};

	test("killing a worker and restarting Redis does not change the results", async () => {
		const serial = await run();
		const gate = join(temporaryFolder(), "gate");
		const workers = await Promise.all([1, 2].map(() => startWorker(dataset, { GATE: gate })));
		let faults: Promise<void> | null = null;
		const restart = async () => {
			await kill(workers[0].child);
			await kill(redis);
			redis = await startRedis(folder, port);
			writeFileSync(gate, "");
		};
		const onChange = (trials: Trial[]) => {
			// Both workers are then in the middle of a trial and have saved a checkpoint.
			const running = trials.filter(({ state, curves }) => state === "running" && curves.loss.length >= 2);
			if (running.length === 2) faults ??= restart();
		};
		const module = join(root, "test", "fixtures", "gated-trial.ts");
		const trials = await run({ redis: url, onChange, module });
		assert.ok(faults);
		await faults;
		assert.deepEqual(outcome(trials), outcome(serial));
		const logs = workers.map(({ output }) => output.join(""));
		const resumed = /trial (\d) resumes/.exec(logs[1]);
		assert.ok(resumed, `the other worker resumes a trial:\n${logs.join("\n")}`);
		assert.match(logs[0], new RegExp(`trial ${resumed[1]} starts`));
		assert.ok(trials[Number(resumed[1])].attempts >= 2);
	});

	test("a sweep whose process is killed resumes from the trials in Redis", async () => {
		await startWorker();
		const sweepFolder = join(temporaryFolder(), "sweeps");
		const options = { dataset, folder: sweepFolder, trials: 3, threads: 1, seed: 7, redis: url };
		const code = `
			const { sweep } = require("./src/sweep");
			sweep(${JSON.stringify(space)}, { ...${JSON.stringify(options)}, onChange: (_, trial) => {
				if (trial?.state === "running") process.kill(process.pid, "SIGKILL");
			} });`;
		const child = spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], { cwd: root, stdio: "ignore" });
		await once(child, "exit");
		const trials = await run(options);
		assert.deepEqual(
			trials.map(({ state }) => state),
			Array(3).fill("complete"),
		);
		assert.deepEqual(outcome(trials), outcome(await run({ trials: 3, seed: 7 })));
	});

	test("one worker prunes as one local process does, and the sweep leaves no keys in Redis", async () => {
		await startWorker();
		const options = { halving: { minEpochs: 1, reductionFactor: 2 }, seed: 3 };
		const serial = await run(options);
		assert.ok(serial.some(({ state }) => state === "pruned"));
		assert.ok(serial.some(({ state }) => state === "complete"));
		const trials = await run({ ...options, redis: url });
		assert.deepEqual(outcome(trials), outcome(serial));
		const client = await connect(url);
		const names = await client.keys("image-classification:*");
		client.disconnect();
		assert.deepEqual(
			names.filter((name) => /:(results|running|rungs?|backup)\b/.test(name)),
			[],
		);
	});

	test("a trial that diverges fails once; a checkpoint in Redis that is none is left out, with a line", async () => {
		const client = await connect(url);
		const diverging = { ...smallSpace, epochs: 2, learningRate: grid(1e30, 0.001), batchSize: 4 };
		const folder = join(temporaryFolder(), "sweeps");
		const running = sweep(diverging, { dataset, folder, threads: 1, redis: url });
		let name = "";
		while (name === "") [name = ""] = await client.hkeys(sweepsKey);
		await client.set(keyOf(name, "backup:0"), "no checkpoint");
		await client.set(keyOf(name, "backup:1"), serialize({ epoch: 1, model: { data: new Uint8Array(9), specs: [] } }));
		client.disconnect();
		const { output } = await startWorker();
		const { trials, best } = await running;
		const [diverged, complete] = trials;
		assert.deepEqual([diverged.state, diverged.attempts], ["failed", 1]);
		assert.match(diverged.error ?? "", /since epoch 1: lower learningRate/);
		assert.deepEqual([complete.state, complete.error, complete.curves.loss.length], ["complete", null, 2]);
		assert.equal(best?.id, 1);
		const lines = output.join("").match(/^trial \d: starts again, since its checkpoint cannot be used: .*$/gm);
		assert.equal(lines?.length, 2, output.join(""));
	});

	test("a worker with other data or versions takes no trials and names the reason", async () => {
		const other = smallDataset();
		writeFileSync(join(other, "valid", "cats", "plain.jpg"), "another image");
		const redis = await connect(url);
		const announced = JSON.stringify({ data: "other", versions: "TensorFlow 0, TensorFlow.js 0" });
		await redis.hset("image-classification:sweeps", "0123456789abcdef", announced);
		await assert.rejects(
			work({ redis: url, dataset: other }),
			/sweep 0123456789abcdef needs TensorFlow 0, .*; this worker has TensorFlow 2/,
		);
		await redis.hset(
			"image-classification:sweeps",
			"0123456789abcdef",
			announced.replace(/TensorFlow 0.*(?="})/, environmentOf("").versions),
		);
		await assert.rejects(work({ redis: url, dataset: other }), /sweep 0123456789abcdef needs other data than/);
		await redis.del("image-classification:sweeps");
		redis.disconnect();
	});
});
