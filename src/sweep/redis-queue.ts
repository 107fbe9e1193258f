// Sweeps beyond one machine: trials wait in Redis, and workers with the same data set take them (by BullMQ).
//
// A trial's state after each epoch goes to Redis too. When a worker dies, BullMQ notices that nobody renews the trial's
// lock and hands it to another one, which goes on from there. A trial can thus be run twice, but its result is written
// once, under its number; whoever comes second changes nothing.
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { deserialize, serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { fingerprint, hashOf } from "../datasets/fingerprint";
import { nodeBackend } from "../tensorflow/graphdef";
import { attempt, type Outcome } from "./attempt";
import { type HalvingOptions, isRung, rewardOf, survives } from "./halving";
import type { Trial } from "./sweep";
import type { Curves } from "./trial-process";

/** What a worker must know of a sweep. */
export interface Rules {
	objective: keyof Curves;
	better: "min" | "max";
	halving: HalvingOptions | null;
	retries: number;
	module: string | null;
}

/** A trial on its way to a worker. */
type Order = Rules & { sweep: string } & Pick<Trial, "id" | "parameters" | "threads">;

/** Curves and how they ended, as far as a worker knows. */
type News = Partial<Pick<Trial, "state" | "curves" | "error" | "attempts" | "seconds">>;

const PREFIX = "image-classification";
const keyOf = (sweep: string, part: string) => `${PREFIX}:${sweep}:${part}`;
const sweepsKey = `${PREFIX}:sweeps`;

/** What must be the same for trials to give the same results. Queues are named by it, so no other worker gets a trial. */
type Place = { data: string; versions: string };

const placeOf = (data: string): Place => {
	const { TF_Version } = nodeBackend().binding as unknown as { TF_Version: string };
	const [node] = process.versions.node.split("."); // which writes the trials' state in its own way
	return { data, versions: `TensorFlow ${TF_Version}, TensorFlow.js ${tf.version_core}, Node ${node}` };
};
const queueOf = (place: Place) => `trials-${hashOf(place)}`;

/**
 * Puts trials into the queue and follows them until all have ended, or until `abort`.
 *
 * @param trials changed in place; those that are not waiting are left alone
 * @param sweep its name, by which it is found again
 * @param onChange called when something is heard of a trial
 */
export async function follow(
	trials: Trial[],
	rules: Rules,
	{
		redis: url,
		sweep,
		data,
		abort,
		onChange,
	}: {
		redis: string;
		sweep: string;
		data: string;
		abort?: AbortSignal;
		onChange(trial: Trial): void;
	},
): Promise<void> {
	const redis = await connect(url);
	const place = placeOf(data);
	const queue = new Queue<Order>(queueOf(place), { connection: redis, prefix: PREFIX });
	queue.on("error", () => {}); // of a connection that is lost: it comes back
	const open = new Map(trials.filter(({ state }) => state === "waiting").map((trial) => [trial.id, trial]));
	const heard = async () => {
		for (const part of ["running", "results"]) {
			const ids = [...open.keys()];
			const all = ids.length > 0 ? await redis.hmgetBuffer(keyOf(sweep, part), ...ids.map(String)) : [];
			for (const [i, message] of all.entries()) {
				const trial = open.get(ids[i]) as Trial;
				if (!message || !tell(trial, deserialize(message) as News)) continue;
				if (part === "results") open.delete(trial.id);
				onChange(trial);
			}
		}
	};
	try {
		await heard();
		await redis.hset(sweepsKey, sweep, JSON.stringify(place));
		await queue.addBulk(
			[...open.values()].map(({ id, parameters, threads }) => ({
				name: "trial",
				data: { ...rules, sweep, id, parameters, threads },
				// Who is known already is not added again.
				opts: { jobId: `${sweep}-${id}`, attempts: rules.retries + 1, removeOnComplete: true, removeOnFail: true },
			})),
		);
		while (open.size > 0 && !abort?.aborted) {
			await setTimeout(250);
			await heard();
		}
		if (open.size > 0) return;
		await redis.hdel(sweepsKey, sweep);
		const rungs = (await redis.hkeys(keyOf(sweep, "rungs"))).map((field) => `rung:${field.split("/")[0]}`);
		const parts = ["results", "running", "rungs", ...new Set(rungs)];
		await redis.del(parts.map((part) => keyOf(sweep, part)));
	} finally {
		await queue.close();
		redis.disconnect();
	}
}

/** Whether it is news. */
function tell(trial: Trial, news: News): boolean {
	const before = JSON.stringify(trial);
	Object.assign(trial, news);
	return JSON.stringify(trial) !== before;
}

export interface WorkOptions {
	/** `redis://`, or with TLS `rediss://`, `[user:password@]host:port`. */
	redis: string;
	/** The folder with `train` and `valid`; trials of other data are left to others. */
	dataset: string;
	/** How many trials at once. Default 1. */
	workers?: number;
	/** Gets a line whenever a trial starts or ends. */
	log?: (line: string) => void;
	/** Ends the work at once; trials that run are gone on with by others. */
	abort?: AbortSignal;
	/** How a trial is run. Default: in a process of its own. */
	run?: typeof attempt;
}

/**
 * Takes trials and runs them, each in a process of its own, until `abort`.
 *
 * @throws when Redis cannot be reached or used, or all sweeps that wait there need other data or versions
 */
export async function work(options: WorkOptions): Promise<void> {
	const { redis: url, dataset, workers = 1, log = console.log, abort, run = attempt } = options;
	const redis = await connect(url);
	const place = placeOf(await fingerprint(dataset));
	const folder = mkdtempSync(join(tmpdir(), "trials-"));
	try {
		await checkSweeps(redis, place, dataset, log);
		const context = { redis, dataset: resolve(dataset), folder, log, abort, run };
		const worker = new Worker<Order>(queueOf(place), (job) => runOrder(job, context), {
			connection: redis,
			prefix: PREFIX,
			concurrency: workers,
			// A dead worker's trials are taken over after this long.
			lockDuration: 10_000,
			stalledInterval: 5_000,
			maxStalledCount: 100,
		});
		worker.on("error", () => {}); // of a connection that is lost: it comes back
		log(`Worker ${hostname()} ${process.pid} waits for trials of ${dataset}`);
		await new Promise((stop) => abort?.addEventListener("abort", stop));
		await worker.close(true);
	} finally {
		redis.disconnect();
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Says which sweeps this worker cannot help, and throws when that is all of them. */
async function checkSweeps(redis: Redis, place: Place, dataset: string, log: (line: string) => void): Promise<void> {
	const sweeps = Object.entries(await redis.hgetall(sweepsKey));
	const problems = sweeps.flatMap(([sweep, text]) => {
		const other = JSON.parse(text) as Place;
		if (other.versions !== place.versions) return [`sweep ${sweep} needs ${other.versions}; here is ${place.versions}`];
		if (other.data !== place.data) return [`sweep ${sweep} needs other data than ${dataset}`];
		return [];
	});
	if (problems.length > 0 && problems.length === sweeps.length) throw new Error(problems.join("\n"));
	for (const problem of problems) log(problem);
}

type Context = Required<Pick<WorkOptions, "dataset" | "log" | "run">> & {
	redis: Redis;
	folder: string;
	abort?: AbortSignal;
};

/** Runs a trial and writes its result, if nobody has; but for the last attempt, what goes wrong is left to the next. */
async function runOrder(job: Job<Order>, context: Context): Promise<void> {
	const { sweep, id, retries } = job.data;
	const { redis, log, abort } = context;
	if (await redis.hexists(keyOf(sweep, "results"), String(id))) return;
	const started = performance.now();
	const outcome = await attemptOrder(job, context).catch(
		(error: Error): Outcome => ({ state: "failed", error: error.message }),
	);
	if (abort?.aborted) throw new Error("interrupted");
	log(`trial ${id} ${outcome.error ? `failed: ${outcome.error}` : outcome.state}`);
	if (outcome.error && job.attemptsMade < retries) throw new Error(outcome.error);
	const news: News = { ...outcome, attempts: job.attemptsStarted, seconds: (performance.now() - started) / 1000 };
	const written = redis.multi().hsetnx(keyOf(sweep, "results"), String(id), serialize(news));
	await written.del(keyOf(sweep, `backup:${id}`)).exec();
}

/** Goes on with a trial from where another worker left it, and sends what the next one needs. */
async function attemptOrder(job: Job<Order>, context: Context): Promise<Outcome> {
	const { redis, dataset, folder, log, abort, run } = context;
	const { sweep, id, parameters, threads, module } = job.data;
	const backup = join(folder, `${sweep}-${id}`);
	const backupKey = keyOf(sweep, `backup:${id}`);
	const saved = await redis.getBuffer(backupKey);
	if (saved) writeFileSync(backup, saved);
	log(`trial ${id} ${saved ? "goes on" : "starts"}`);
	const stop = keepSending(backup, (bytes) => redis.set(backupKey, bytes));
	try {
		return await run({ dataset, parameters, backup, module }, threads, abort, async (curves) => {
			const news: News = { state: "running", curves, attempts: job.attemptsStarted };
			await redis.hset(keyOf(sweep, "running"), String(id), serialize(news));
			return goesOn(redis, job.data, curves);
		});
	} finally {
		stop();
		rmSync(backup, { force: true });
	}
}

/** Sends a file whenever it is written. */
function keepSending(file: string, send: (bytes: Buffer) => Promise<unknown>): () => void {
	const watcher = watch(dirname(file), (_, name) => {
		if (name !== basename(file)) return;
		try {
			send(readFileSync(file)).catch(() => {});
		} catch {
			// It was removed at the end of training.
		}
	});
	return () => watcher.close();
}

/** Successive halving, with the rungs in Redis; who comes to a rung twice is told the same. */
async function goesOn(
	redis: Redis,
	{ sweep, id, objective, better, halving }: Order,
	curves: Curves,
): Promise<boolean> {
	const epoch = curves[objective].length;
	if (!halving || !isRung(epoch, halving)) return true;
	const reward = rewardOf(curves[objective][epoch - 1], better);
	const came = await redis.hget(keyOf(sweep, "rungs"), `${epoch}/${id}`);
	if (came !== null) return came === "true";
	const before = await redis.lrange(keyOf(sweep, `rung:${epoch}`), 0, -1);
	const answer = survives(reward, before.map(Number), halving);
	await redis
		.multi()
		.rpush(keyOf(sweep, `rung:${epoch}`), String(reward))
		.expire(keyOf(sweep, `rung:${epoch}`), 30 * 24 * 3600)
		.hset(keyOf(sweep, "rungs"), `${epoch}/${id}`, String(answer))
		.exec();
	return answer;
}

/**
 * A connection that outlives restarts of the server.
 *
 * @throws when the first attempt fails, or the user may not write
 */
export async function connect(url: string): Promise<Redis> {
	if (!/^rediss?:\/\/./.test(url))
		throw new Error(`${url} is no address of a Redis: expected redis://[user:password@]host:port`);
	const { protocol, host } = new URL(url);
	const where = `Redis at ${protocol}//${host}`;
	const first = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
	let reason = "";
	first.on("error", (error) => {
		reason = error.message;
	});
	try {
		await first.connect();
		await first.set(`${PREFIX}:check`, "1", "EX", 1);
	} catch (error) {
		const message = reason || (error as Error).message;
		if (/NOAUTH|WRONGPASS|NOPERM/.test(message)) throw new Error(`${where} does not let you in: ${message}`);
		const advice = message.includes("certificate")
			? "NODE_EXTRA_CA_CERTS=FILE lets Node trust your own authority"
			: "is redis-server running there?";
		throw new Error(`${where} cannot be used: ${message || "no answer"}; ${advice}`);
	} finally {
		first.disconnect();
	}
	const redis = new Redis(url, { maxRetriesPerRequest: null });
	redis.on("error", () => {}); // it comes back
	return redis;
}
