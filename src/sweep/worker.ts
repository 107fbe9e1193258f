// Runs trials from the queue in Redis.
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
	PREFIX,
	queueOf,
	sweepsKey,
	type TrialJob,
	type TrialUpdate,
} from "./redis";

export interface WorkOptions {
	/** Address of a Redis server: `redis://`, or with TLS `rediss://`, `[user:password@]host:port`. */
	redis: string;
	/** Folder with `train` and `valid`; trials of other data sets are left to other workers. */
	dataset: string;
	/** Number of trials that run in parallel. Default 1. */
	workers?: number;
	/** Function called with a line of text whenever a trial starts or ends. Default `console.log`. */
	log?: (line: string) => void;
	/** Stops the worker at once; other workers resume its running trials. Default: none. */
	abort?: AbortSignal;
	/** Function that runs a trial. Default: runs it in its own process. */
	run?: typeof runTrialProcess;
}

/**
 * Runs trials from the queue in Redis, each in its own process, until `abort`.
 *
 * @throws when Redis cannot be reached or used, or all sweeps there need other data or versions
 */
export async function work(options: WorkOptions): Promise<void> {
	const { redis: url, dataset, workers = 1, log = console.log, abort, run = runTrialProcess } = options;
	const redis = await connect(url);
	const environment = environmentOf(await fingerprint(dataset));
	const folder = mkdtempSync(join(tmpdir(), "trials-"));
	try {
		await checkSweeps(redis, environment, dataset, log);
		const worker = startWorker(environment, workers, { redis, dataset: resolve(dataset), folder, log, abort, run });
		log(`Worker ${hostname()} ${process.pid} waits for trials of ${dataset}`);
		await new Promise((stop) => abort?.addEventListener("abort", stop));
		await worker.close(true);
	} finally {
		redis.disconnect();
		rmSync(folder, { recursive: true, force: true });
	}
}

type WorkerContext = Required<Pick<WorkOptions, "dataset" | "log" | "run">> & {
	redis: Redis;
	/** Folder of the checkpoints of running trials. */
	folder: string;
	abort?: AbortSignal;
};

function startWorker(environment: Environment, concurrency: number, context: WorkerContext): Worker<TrialJob> {
	const worker = new Worker<TrialJob>(queueOf(environment), (job) => runJob(job, context), {
		connection: context.redis,
		prefix: PREFIX,
		concurrency,
		// Other workers take over the jobs of a dead worker when its locks have expired.
		lockDuration: 10_000,
		stalledInterval: 5_000,
		maxStalledCount: 100,
	});
	worker.on("error", () => {}); // A lost connection: ioredis reconnects.
	return worker;
}

/** Logs which sweeps need another environment than this worker's; throws when all of them do. */
async function checkSweeps(
	redis: Redis,
	environment: Environment,
	dataset: string,
	log: (line: string) => void,
): Promise<void> {
	const sweeps = Object.entries(await redis.hgetall(sweepsKey));
	const problems = sweeps.flatMap(([sweep, text]) => {
		const { versions, data } = JSON.parse(text) as Environment;
		if (versions !== environment.versions) {
			return [`sweep ${sweep} needs ${versions}; this worker has ${environment.versions}`];
		}
		if (data !== environment.data) return [`sweep ${sweep} needs other data than ${dataset}`];
		return [];
	});
	if (problems.length > 0 && problems.length === sweeps.length) throw new Error(problems.join("\n"));
	for (const problem of problems) log(problem);
}

/** Runs a trial and writes its result unless there is one; throws on errors that leave BullMQ another attempt. */
async function runJob(job: Job<TrialJob>, context: WorkerContext): Promise<void> {
	const { sweep, id, retries } = job.data;
	const { redis, log, abort } = context;
	if (await redis.hexists(keyOf(sweep, "results"), String(id))) return;
	const started = performance.now();
	const outcome = await attemptTrial(job, context).catch(
		(error: Error): Outcome => ({ state: "failed", error: error.message }),
	);
	if (abort?.aborted) throw new Error("interrupted");
	log(`trial ${id} ${outcome.error ? `failed: ${outcome.error}` : outcome.state}`);
	if (outcome.error && job.attemptsMade < retries) throw new Error(outcome.error);
	const seconds = (performance.now() - started) / 1000;
	const result: TrialUpdate = { ...outcome, attempts: job.attemptsStarted, seconds };
	const written = redis.multi().hsetnx(keyOf(sweep, "results"), String(id), serialize(result));
	await written.del(keyOf(sweep, `backup:${id}`)).exec();
}

/** Starts a trial, or resumes it from the checkpoint of another worker, and uploads its checkpoints. */
async function attemptTrial(job: Job<TrialJob>, context: WorkerContext): Promise<Outcome> {
	const { redis, dataset, folder, log, abort, run } = context;
	const { sweep, id, parameters, threads, module } = job.data;
	const backup = join(folder, `${sweep}-${id}`);
	const backupKey = keyOf(sweep, `backup:${id}`);
	const saved = await redis.getBuffer(backupKey);
	if (saved) writeFileSync(backup, saved);
	log(`trial ${id} ${saved ? "resumes" : "starts"}`);
	const stopUploads = uploadOnWrite(backup, (bytes) => redis.set(backupKey, bytes));
	try {
		return await run({ dataset, parameters, backup, module }, threads, abort, async (curves) => {
			const update: TrialUpdate = { state: "running", curves, attempts: job.attemptsStarted };
			await redis.hset(keyOf(sweep, "running"), String(id), serialize(update));
			return shouldContinue(redis, job.data, curves);
		});
	} finally {
		stopUploads();
		rmSync(backup, { force: true });
	}
}

/** Uploads a file whenever it is written, until the returned function is called. */
function uploadOnWrite(file: string, upload: (bytes: Buffer) => Promise<unknown>): () => void {
	const watcher = watch(dirname(file), (_, name) => {
		if (name !== basename(file)) return;
		try {
			upload(readFileSync(file)).catch(() => {});
		} catch {
			// Training deletes its checkpoint when it completes.
		}
	});
	return () => watcher.close();
}

/** Decides by successive halving, with the rungs in Redis; a trial that reaches a rung again gets the same answer. */
async function shouldContinue(
	redis: Redis,
	{ sweep, id, objective, better, halving }: TrialJob,
	curves: Curves,
): Promise<boolean> {
	const epoch = curves[objective].length;
	if (!halving || !isRung(epoch, halving)) return true;
	const reward = rewardOf(curves[objective][epoch - 1], better);
	const earlierAnswer = await redis.hget(keyOf(sweep, "rungs"), `${epoch}/${id}`);
	if (earlierAnswer !== null) return earlierAnswer === "true";
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
