// Messages of a sweep over Redis that are not as they should be: each is survived with a line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { fingerprint } from "../../src/datasets/fingerprint";
import { environmentOf, keyOf, PREFIX, queueOf, sweepsKey } from "../../src/sweep/redis";
import { connect } from "../../src/sweep/redis-connection";
import { uniform } from "../../src/sweep/space";
import { sweep } from "../../src/sweep/sweep";
import type { Task } from "../../src/sweep/trial";
import { type WorkOptions, work } from "../../src/sweep/worker";
import { root, smallDataset, temporaryFolder } from "../helpers";
import { freePort, startRedis } from "../servers";

const skip = spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";
const huge = "x".repeat(10 * 2 ** 20);
const name = "0123456789abcdef";
const curves = { loss: [0.5], acc: [0.5], valLoss: [0.5], valAcc: [0.5] };

/** Waits until a condition holds, for at most a minute. */
async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
	for (let i = 0; i < 1200; i++) {
		if (await holds()) return;
		await setTimeout(50);
	}
	assert.fail(what());
}

/** All files below a folder. */
const tree = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

describe("messages of a sweep over Redis", { skip }, () => {
	const dataset = smallDataset();
	// The worker's folder is made in here, so that what it writes next to it is seen.
	const home = temporaryFolder();
	const { TMPDIR } = process.env;
	let [url, redis, queue] = ["", undefined as unknown as Redis, undefined as unknown as Queue];
	const tasks: Task[] = [];
	const stops: (() => Promise<void>)[] = [];

	before(async () => {
		const port = await freePort();
		url = `redis://127.0.0.1:${port}`;
		await startRedis(temporaryFolder(), port);
		redis = await connect(url);
		const environment = environmentOf(await fingerprint(dataset));
		queue = new Queue(queueOf(environment), { connection: redis, prefix: PREFIX });
		writeFileSync(join(home, "victim"), "stays");
		process.env.TMPDIR = home;
	});
	afterEach(async () => {
		for (const stop of stops.splice(0)) await stop();
		tasks.splice(0);
		await redis.flushall();
	});
	after(async () => {
		if (TMPDIR === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = TMPDIR;
		await queue.close();
		redis.disconnect();
	});

	/** Starts a worker whose trials train nothing, and returns its lines. */
	const startWorker = async (options: Partial<WorkOptions> = {}) => {
		const stop = new AbortController();
		const lines: string[] = [];
		const log = (line: string) => lines.push(line);
		const run: WorkOptions["run"] = async (task) => {
			tasks.push(task);
			return { state: "complete", error: null, curves };
		};
		const ended = work({ redis: url, dataset, log, run, abort: stop.signal, ...options });
		await Promise.race([
			ended,
			until(
				() => lines.some((line) => line.startsWith("Worker")),
				() => lines.join("\n"),
			),
		]);
		const end = async () => {
			stop.abort();
			await ended;
		};
		stops.push(end);
		return { lines, stop: end };
	};
	const onOneLine = (lines: string[]) => {
		// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
		for (const line of lines) assert.doesNotMatch(line, /[\x00-\x1f\x7f]/, "a control character");
		for (const line of lines) assert.ok(line.length < 1000, "a line that is short");
	};
	const valid = () => ({
		...{ sweep: name, id: 7, threads: 1, retries: 0, objective: "valLoss", better: "min" },
		...{ halving: null, module: null, parameters: { dropout: 0.1, epochs: 1 } },
	});
	const resultOf = async (id: number) => JSON.parse((await redis.hget(keyOf(name, "results"), String(id))) ?? "null");

	test("a worker refuses jobs that are not valid, with a line each, and leaves nothing of them", async () => {
		const changes: object[] = [
			{ sweep: "../victim" },
			{ sweep: "../../etc/cron.d/x" },
			{ sweep: `${name}\n\u001b[2J` },
			{ sweep: ["0123456789abcdef"] },
			{ sweep: huge },
			{ id: "../victim" },
			{ id: 1e300 },
			{ id: null },
			{ id: -1 },
			{ id: 0.5 },
			{ id: "7" },
			{ threads: "many" },
			{ threads: 1e9 },
			{ retries: -1 },
			{ retries: [2] },
			{ objective: "constructor" },
			{ objective: "loss\u001b]0;title\u0007" },
			{ better: true },
			{ halving: [] },
			{ halving: { reductionFactor: "3" } },
			{ halving: { minEpochs: 0 } },
			{ parameters: null },
			{ parameters: [1] },
			{ parameters: { dropout: "a lot" } },
			{ parameters: { dropout: 2 } },
			{ parameters: { toString: 1 } },
			{ parameters: { "dropout\n": 0.1 } },
			{ parameters: JSON.parse('{"__proto__": {"epochs": 1}}') },
			{ module: 5 },
			{ module: "/etc/passwd" },
			{ module: join(root, "test", "fixtures", "quick-trial.ts") },
		];
		const payloads: unknown[] = [...changes.map((change) => ({ ...valid(), ...change })), null, [], "text", 5, {}];
		const broken = ["cut", "options", "text", "gone"];
		for (const payload of payloads) await queue.add("trial", payload, { backoff: 5, attempts: 3 });
		await redis.hset(queue.toKey("cut"), { data: '{"sweep": "012', opts: "{}" });
		await redis.hset(queue.toKey("options"), { data: JSON.stringify(valid()), opts: "none" });
		await redis.set(queue.toKey("text"), "no job");
		for (const id of broken) await redis.lpush(queue.toKey("wait"), id);
		await queue.add("trial", valid(), { jobId: "evil\n\u001b[31m" });
		const before = tree(home);
		const { lines, stop } = await startWorker();
		const isDone = async () => (await resultOf(7)) !== null && (await queue.getJobCountByTypes("wait", "active")) === 0;
		await until(isDone, () => lines.join("\n"));
		await stop();
		const refused = lines.filter((line) => /^job .* (is refused|cannot be read)/.test(line));
		assert.equal(refused.length, payloads.length + broken.length, lines.join("\n"));
		onOneLine(lines);
		assert.equal(tasks.splice(0).length, 1, "only the valid job runs");
		assert.deepEqual(tree(home), before);
		assert.equal((await resultOf(7)).state, "complete");
		assert.deepEqual(await redis.hkeys(keyOf(name, "results")), ["7"]);
		const left = (await redis.keys(`${PREFIX}:trials-*`)).map((key) => key.replace(/^.*:/, ""));
		assert.deepEqual(
			left.filter((part) => /^\d+$|lock|cut|options|text|gone|evil/.test(part)),
			[],
		);
	});

	test("a module runs only if the worker allows it, and from the checkout only", async () => {
		const module = join("test", "fixtures", "quick-trial.ts");
		const link = join(root, "node_modules", `.outside-${process.pid}`);
		symlinkSync("/etc", link);
		after(() => rmSync(link, { force: true }));
		const outside = ["/etc/passwd", "../outside.ts", join(link, "passwd"), root, "no/such/file.ts", "/dev/null\n"];
		for (const [id, path] of [...outside, module].entries()) {
			await queue.add("trial", { ...valid(), id, module: path, parameters: { mine: "a", b: true } });
		}
		const { lines, stop } = await startWorker({ allowModules: true });
		await until(
			async () => (await resultOf(outside.length)) !== null,
			() => lines.join("\n"),
		);
		await stop();
		assert.equal(
			lines.filter((line) => /refused: module is ".*": expected a file in /.test(line)).length,
			outside.length,
		);
		onOneLine(lines);
		assert.deepEqual(
			tasks.splice(0).map(({ module, parameters }) => ({ module, parameters })),
			[{ module: join(root, module), parameters: { mine: "a", b: true } }],
		);
	});

	test("a sweep whose worker refuses its trials ends, and says why", async () => {
		const lines: string[] = [];
		const log = (line: string) => lines.push(line);
		const module = join(root, "test", "fixtures", "quick-trial.ts");
		const worker = await startWorker();
		const folder = join(temporaryFolder(), "sweeps");
		const { trials, best } = await sweep({ mine: 1 }, { dataset, folder, redis: url, module, log });
		await worker.stop();
		assert.equal(best, null);
		assert.match(trials[0].error ?? "", /^refused by the worker on .*: only workers with --allow-modules run modules$/);
	});

	test("a sweep survives entries that are not valid, with a line each, and ends with the right results", async () => {
		const result = { state: "complete", curves, error: null, attempts: 1, seconds: 1 };
		const long = [0.5, 0.5];
		const results: unknown[] = [
			{ ...result, state: "perfect" },
			{ ...result, state: ["complete"] },
			{ ...result, state: "running" },
			{ ...result, error: "it failed" },
			{ ...result, state: "failed" },
			{ ...result, error: { message: "\u001b[31m" } },
			{ ...result, attempts: "1" },
			{ ...result, seconds: -1 },
			{ ...result, seconds: null },
			{ ...result, curves: undefined },
			{ ...result, curves: null },
			{ ...result, curves: { ...curves, loss: "0.5" } },
			{ ...result, curves: { ...curves, loss: ["0.5"] } },
			{ ...result, curves: { ...curves, valLoss: [0.5, 0.5] } },
			{ ...result, curves: { loss: long, acc: long, valLoss: long, valAcc: long } },
			{ ...result, curves: { loss: [], acc: [], valLoss: [], valAcc: [] } },
			{ ...result, curves: { loss: [null], acc: [0], valLoss: [null], valAcc: [0] } },
			{ ...result, curves: { loss: [0.5] } },
			{ state: "failed", error: huge, attempts: 1, seconds: 1 },
			null,
			[],
			"text\n\u001b[2J",
			JSON.parse('{"__proto__": {"state": "complete"}}'),
		];
		const raw = ["", "{", '{"state": "compl', "NaN", "\u0000\u00ff\u001b", huge];
		const payloads = [...results.map((payload) => JSON.stringify(payload)), ...raw];
		const foreign = ["../victim", "NaN", "1e300", "-1", "00", "length", "__proto__", "9999999", "\n\u001b[2J"];
		const lines: string[] = [];
		const log = (line: string) => lines.push(line);
		const folder = join(temporaryFolder(), "sweeps");
		const trials = payloads.length;
		const space = { dropout: uniform(0, 0.9), epochs: 1 };
		const running = sweep(space, { dataset, folder, trials, redis: url, log });
		await until(
			async () => (await queue.getWaitingCount()) === trials,
			() => lines.join("\n"),
		);
		const [sweepName] = await redis.hkeys(sweepsKey);
		// What the schema does not name is ignored, wherever it would write.
		const others = { id: "../../escaped", parameters: {}, threads: 99, value: -1, unknown: huge.slice(0, 100) };
		const ofForeign = foreign.map((field) => [field, JSON.stringify(result)]);
		// A message that is right in one of them can be wrong in the other, whichever is read first.
		for (const part of ["running", "results"]) {
			const entries = [...payloads.entries(), ...ofForeign].map(([field, text]) => [String(field), String(text)]);
			if (part === "running") entries[0][1] = JSON.stringify({ ...result, ...others, state: "running" });
			await redis.hset(keyOf(sweepName, part), ...entries.flat());
		}
		await redis.hset(sweepsKey, { "../x": "{}", [`${name}`]: "no JSON", fedcba9876543210: "[]", "a\n\u001b[2J": "{}" });
		// Two are as they should be under `:running`.
		const expected = 2 * (payloads.length + foreign.length) - 2;
		await until(
			() => lines.length >= expected,
			() => `${lines.length} of ${expected}:\n${lines.join("\n")}`,
		);
		await setTimeout(600);
		assert.equal(lines.length, expected, "each once");
		await redis.set(keyOf(sweepName, "running"), "no hash");
		const worker = await startWorker({ workers: 4 });
		const { trials: ended } = await running;
		await worker.stop();
		onOneLine([...lines, ...worker.lines]);
		assert.equal(worker.lines.filter((line) => /^entry .* is skipped/.test(line)).length, 4);
		assert.equal(ended.length, trials);
		for (const [i, trial] of ended.entries()) {
			assert.equal(trial.id, i);
			assert.deepEqual([trial.state, trial.curves, trial.value, trial.error], ["complete", curves, 0.5, null]);
			assert.deepEqual([Object.keys(trial.parameters), trial.threads], [["dropout", "epochs"], 1]);
		}
		const files = tree(folder).filter((file) => file.endsWith(".json"));
		assert.equal(files.length, trials + 1);
		assert.deepEqual(
			tree(join(folder, "..")).filter((file) => /escaped|victim/.test(file)),
			[],
		);
		assert.deepEqual(await redis.keys(`${PREFIX}:${sweepName}:*`), []);
	});

	test("rungs that hold something else do not decide", async () => {
		const halving = { minEpochs: 1, reductionFactor: 2 };
		const answers: boolean[] = [];
		const run: WorkOptions["run"] = async (_, __, ___, onEpoch) => {
			answers.push(await onEpoch(curves));
			return { state: "complete", error: null, curves };
		};
		const { lines } = await startWorker({ run });
		await redis.rpush(keyOf(name, "rung:1"), "NaN", "\u001b[2J", "", "0x10", "Infinity", "-0.6");
		await redis.hset(keyOf(name, "rungs"), { "1/7": "perhaps", "../x": "true" });
		await queue.add("trial", { ...valid(), halving });
		await until(
			async () => (await resultOf(7)) !== null,
			() => lines.join("\n"),
		);
		// A loss of 0.5 is better than the only one there, 0.6.
		assert.deepEqual(answers, [true]);
		assert.deepEqual(await redis.lrange(keyOf(name, "rung:1"), 0, -1), ["-0.6", "-0.5"]);
		assert.equal(lines.filter((line) => /replaced|skipped/.test(line)).length, 2);
		await redis.del(keyOf(name, "rung:1"), keyOf(name, "rungs"));
		await redis.set(keyOf(name, "rung:1"), "no list");
		await redis.lpush(keyOf(name, "rungs"), "no hash");
		await queue.add("trial", { ...valid(), id: 8, halving });
		await until(
			async () => (await resultOf(8)) !== null,
			() => lines.join("\n"),
		);
		assert.deepEqual(answers, [true, true]);
		onOneLine(lines);
	});

	test("a worker starts beside sweeps that cannot be read", async () => {
		await redis.set(sweepsKey, "no hash");
		const worker = await startWorker();
		await worker.stop();
		assert.match(worker.lines[0], /sweeps in Redis is of another type: removed$/);
		mkdirSync(join(home, "other"));
		assert.deepEqual(tree(home), ["other", "victim"], "a worker removes its folder");
	});
});
