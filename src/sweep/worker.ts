// Takes trials from Redis and runs them.
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { serialize } from "node:v8";
import { type Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { fingerprint } from "../datasets/fingerprint";
import type { Curves } from "../training/history";
import { type Outcome, runTrialProcess } from "./attempt";
import { isRung, rewardOf, survives } from "./halving";
import {
	connect,
	type Environment,
	environmentOf,
	keyOf,
	type News,
	type Order,
	PREFIX,
	queueOf,
	sweepsKey,
} from "./redis";

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
	run?: typeof runTrialProcess;
}

/**
 * Takes trials and runs them, each in a process of its own, until `abort`.
 *
 * @throws when Redis cannot be reached or used, or all sweeps that wait there need other data or versions
 */
export async function work(options: WorkOptions): Promise<void> {
	const { redis: url, dataset, workers = 1, log = console.log, abort, run = runTrialProcess } = options;
	const redis = await connect(url);
	const place = environmentOf(await fingerprint(dataset));
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
async function checkSweeps(
	redis: Redis,
	place: Environment,
	dataset: string,
	log: (line: string) => void,
): Promise<void> {
	const sweeps = Object.entries(await redis.hgetall(sweepsKey));
	const problems = sweeps.flatMap(([sweep, text]) => {
		const other = JSON.parse(text) as Environment;
		if (other.versions !== place.versions) return [`sweep ${sweep} needs ${other.versions}; here is ${place.versions}`];
		if (other.data !== place.data) return [`sweep ${sweep} needs other data than ${dataset}`];
		return [];
	});
	if (problems.length > 0 && problems.length === sweeps.length) throw new Error(problems.join("\n"));
	for (const problem of problems) log(problem);
}

type WorkerContext = Required<Pick<WorkOptions, "dataset" | "log" | "run">> & {
	redis: Redis;
	folder: string;
	abort?: AbortSignal;
};

/** Runs a trial and writes its result, if nobody has; but for the last attempt, what goes wrong is left to the next. */
async function runOrder(job: Job<Order>, context: WorkerContext): Promise<void> {
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
async function attemptOrder(job: Job<Order>, context: WorkerContext): Promise<Outcome> {
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
			return shouldContinue(redis, job.data, curves);
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
async function shouldContinue(
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
