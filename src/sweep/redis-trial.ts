// Runs one trial of the queue in Redis.
import { readFileSync, realpathSync, rmSync, watch, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Job } from "bullmq";
import type { Redis } from "ioredis";
import { pathInside } from "../support/files";
import { isRecord, shown } from "../support/schema";
import { printable } from "../support/text";
import type { Curves } from "../training/history";
import type { Outcome, runTrialProcess } from "./attempt";
import { isSweep, resultMessage, runningMessage, type TrialJob, validatedJob } from "./messages";
import { CHECKPOINT_BYTES, EXPIRY, jobIdOf, keyOf, onKey, sweepsKey } from "./redis";
import { shouldContinue } from "./redis-halving";

export interface WorkerContext {
	redis: Redis;
	dataset: string;
	/** Folder of the checkpoints of running trials. */
	folder: string;
	/** Whether trials may run a module of this checkout. */
	allowModules: boolean;
	log(line: string): void;
	abort?: AbortSignal;
	run: typeof runTrialProcess;
}

/** Runs a trial and writes its result unless there is one; throws on errors that leave BullMQ another attempt. */
export async function runJob(job: Job<unknown>, context: WorkerContext): Promise<void> {
	// Whatever the job asks for: nothing of it stays in Redis.
	Object.assign(job.opts, { removeOnComplete: true, removeOnFail: true, attempts: 1, backoff: undefined });
	const { redis, log, abort } = context;
	let trial: TrialJob;
	try {
		trial = acceptedJob(job.data, context.allowModules);
	} catch (error) {
		return refuse(job, context, (error as Error).message);
	}
	const { sweep, id, retries } = trial;
	job.opts.attempts = retries + 1;
	const results = keyOf(sweep, "results");
	if (await onKey(redis, results, log, () => redis.hexists(results, String(id)))) return;
	const started = performance.now();
	const outcome = await attemptTrial(job, trial, context).catch(
		(error: Error): Outcome => ({ state: "failed", error: error.message }),
	);
	if (abort?.aborted) throw new Error("interrupted");
	log(`trial ${id} ${outcome.error ? `failed: ${printable(outcome.error)}` : outcome.state}`);
	if (outcome.error && !outcome.repeats && job.attemptsMade < retries) throw new Error(outcome.error);
	const seconds = (performance.now() - started) / 1000;
	await writeResult(redis, trial, resultMessage({ ...outcome, attempts: attemptsOf(job), seconds }, trial));
}

/** The first result counts; what nobody asks for expires. */
async function writeResult(redis: Redis, { sweep, id }: Pick<TrialJob, "sweep" | "id">, result: string): Promise<void> {
	const results = keyOf(sweep, "results");
	const written = redis.multi().hsetnx(results, String(id), result).expire(results, EXPIRY);
	await written.del(keyOf(sweep, `backup:${id}`)).exec();
}

const attemptsOf = (job: Job<unknown>) => Math.max(1, job.attemptsStarted || 1);

/** Returns a job as a trial that this worker runs. @throws with the reason not to */
function acceptedJob(data: unknown, allowModules: boolean): TrialJob {
	const trial = validatedJob(data);
	if (trial.module === null) return trial;
	if (!allowModules) throw new Error(`module is ${shown(trial.module)}: only workers with --allow-modules run modules`);
	return { ...trial, module: moduleOfCheckout(trial.module) };
}

/** Returns the path of a module; relative ones are relative to the checkout. @throws when it lies outside */
function moduleOfCheckout(module: string): string {
	const root = realpathSync(join(__dirname, "..", ".."));
	try {
		return pathInside(root, realpathSync(resolve(root, module)));
	} catch {
		throw new Error(`module is ${shown(module)}: expected a file in ${root}`);
	}
}

/** Logs why a job does not run. The sweep that it was queued for, if it is one, gets that as its result. */
async function refuse({ id: jobId, data }: Job<unknown>, { redis, log }: WorkerContext, why: string): Promise<void> {
	log(`job ${shown(jobId)} is refused: ${printable(why)}`);
	const { sweep, id } = isRecord(data) ? data : { sweep: null, id: null };
	if (typeof sweep !== "string" || typeof id !== "number" || !isSweep(sweep) || jobIdOf(sweep, id) !== jobId) return;
	if (!(await onKey(redis, sweepsKey, log, () => redis.hexists(sweepsKey, sweep)))) return;
	const error = `refused by the worker on ${hostname()}: ${why}`;
	const result = { state: "failed", error, attempts: 1, seconds: 0 } as const;
	await writeResult(redis, { sweep, id }, resultMessage(result, { parameters: {}, module: null }));
}

/** Starts a trial, or resumes it from the checkpoint of another worker, and uploads its checkpoints. */
async function attemptTrial(job: Job<unknown>, trial: TrialJob, context: WorkerContext): Promise<Outcome> {
	const { redis, dataset, folder, log, abort, run } = context;
	const { sweep, id, parameters, threads, module } = trial;
	const backup = pathInside(folder, `${sweep}-${id}`);
	const backupKey = keyOf(sweep, `backup:${id}`);
	const saved = await readCheckpoint(redis, backupKey, log);
	if (saved) writeFileSync(backup, saved);
	log(`trial ${id} ${saved ? "resumes" : "starts"}`);
	const stopUploads = uploadOnWrite(backup, (bytes) => redis.set(backupKey, bytes, "EX", EXPIRY));
	const running = keyOf(sweep, "running");
	const onEpoch = async (curves: Curves) => {
		const message = runningMessage({ state: "running", curves, attempts: attemptsOf(job) }, trial);
		await onKey(redis, running, log, () => redis.hset(running, String(id), message));
		await redis.expire(running, EXPIRY);
		return shouldContinue(redis, trial, curves, log);
	};
	try {
		const note = (line: string) => log(`trial ${id}: ${printable(line)}`);
		return await run({ dataset, parameters, backup, module }, threads, abort, onEpoch, note);
	} finally {
		stopUploads();
		rmSync(backup, { force: true });
	}
}

async function readCheckpoint(redis: Redis, key: string, log: (line: string) => void): Promise<Buffer | null> {
	const bytes = await onKey(redis, key, log, () => redis.strlen(key));
	if (bytes <= CHECKPOINT_BYTES) return redis.getBuffer(key);
	log(`${key} in Redis has ${bytes} bytes, too many for a checkpoint: removed`);
	await redis.del(key);
	return null;
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
