// Queues trials in Redis and follows them: sweeps on many machines, whose workers have the same data set (BullMQ).
//
// Workers save the checkpoint of a trial in Redis after each epoch. When a worker dies, BullMQ notices that the lock of
// its job is no longer renewed and hands the job to another worker, which resumes the trial. A trial can thus run twice,
// but only the first result is written, so that a second one changes nothing. For the same reason trials that Redis has
// lost can be queued again, whether a worker still runs them or not.
import { setTimeout } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { type TrialJob, validatedJob } from "./messages";
import { environmentOf, jobIdOf, keyOf, onKey, PREFIX, queueOf, sweepsKey } from "./redis";
import { connect } from "./redis-connection";
import { receiveUpdates } from "./redis-updates";
import type { Rules, Trial } from "./trial";

/** Settings of a sweep over Redis. */
interface RedisRun {
	/** Address of the Redis server. */
	redis: string;
	/** Name of the sweep, part of its keys. */
	sweep: string;
	/** Fingerprint of the data set. */
	data: string;
	/** Stops following; the workers continue. */
	abort?: AbortSignal;
	/** Called whenever a trial has changed. */
	onChange(trial: Trial): void;
	/** Called with a line about what is not as expected. */
	log(line: string): void;
}

/** A sweep that is followed. */
type Following = Omit<RedisRun, "redis"> & {
	redis: Redis;
	queue: Queue<TrialJob>;
	/** All trials. */
	trials: Trial[];
	/** Trials without a result, by their number as text. */
	open: Map<string, Trial>;
	/** Jobs of the trials that were open at the start. */
	jobs: Map<string, TrialJob>;
	module: Rules["module"];
};

/** Milliseconds between two looks at the results. */
const POLL = 250;
/** Number of looks after which to check that all trials are still there. */
const CHECK = 8;

/**
 * Queues the trials that are waiting and follows them until all have ended, or until `abort`.
 *
 * @param trials trials of the sweep; those that are waiting are updated in place
 * @throws when a trial or a rule is out of the range that workers accept
 */
export async function follow(trials: Trial[], rules: Rules, run: RedisRun): Promise<void> {
	const waiting = trials.filter(({ state }) => state === "waiting");
	const jobs = new Map(waiting.map((trial) => [String(trial.id), jobOf(trial, rules, run.sweep)]));
	const redis = await connect(run.redis, run.log);
	const queue = new Queue<TrialJob>(queueOf(environmentOf(run.data)), { connection: redis, prefix: PREFIX });
	queue.on("error", () => {}); // A lost connection: ioredis reconnects.
	const open = new Map(waiting.map((trial) => [String(trial.id), trial]));
	// Commands wait for a lost connection to come back, an interrupt does not.
	const aborted = new Promise<void>((resolve) => {
		if (run.abort?.aborted) resolve();
		run.abort?.addEventListener("abort", () => resolve());
	});
	try {
		await Promise.race([followOpen({ ...run, redis, queue, trials, open, jobs, module: rules.module }), aborted]);
	} finally {
		await Promise.race([queue.close(), aborted]);
		redis.disconnect();
	}
}

/** Queues the open trials and applies what workers report, until none is open. */
async function followOpen(following: Following): Promise<void> {
	const { redis, queue, trials, open, jobs, module, sweep, data, abort, onChange, log } = following;
	const environment = JSON.stringify(environmentOf(data));
	const seen = new Map<string, string>();
	const receive = () => receiveUpdates({ redis, sweep, trials, open, module, onChange, log, seen });
	const announce = () => onKey(redis, sweepsKey, log, () => redis.hset(sweepsKey, sweep, environment));
	await receive();
	await announce();
	await queueTrials(queue, [...open.keys()], jobs);
	for (let look = 1; open.size > 0 && !abort?.aborted; look++) {
		await setTimeout(POLL);
		// Before the results: a worker removes its job after it has written the result.
		const missing = look % CHECK === 0 ? await missingTrials(redis, queue, [...open.values()], sweep) : [];
		await receive();
		const lost = missing.filter((id) => open.has(id));
		if (lost.length === 0) continue;
		log(`Redis has lost ${lost.length} of ${trials.length} trials: they are queued again`);
		await announce();
		await queueTrials(queue, lost, jobs);
	}
	if (open.size === 0) await removeKeys(redis, queue, following, [...jobs.values()]);
}

const jobOf = ({ id, parameters, threads }: Trial, rules: Rules, sweep: string): TrialJob =>
	validatedJob({ ...rules, sweep, id, parameters, threads });

async function queueTrials(queue: Queue<TrialJob>, ids: string[], jobs: Map<string, TrialJob>): Promise<void> {
	await queue.addBulk(
		ids.map((id) => {
			const data = jobs.get(id) as TrialJob;
			return {
				name: "trial",
				data,
				// BullMQ ignores a job whose id is already queued, so a sweep that is followed again adds nothing twice.
				opts: {
					jobId: jobIdOf(data.sweep, data.id),
					attempts: data.retries + 1,
					removeOnComplete: true,
					removeOnFail: true,
				},
			};
		}),
	);
}

/**
 * Returns the numbers of the trials that are neither queued nor with a worker: a restart or a flush of Redis can lose
 * them. Those that were running come last, since their workers may still run them.
 */
async function missingTrials(redis: Redis, queue: Queue, open: Trial[], sweep: string): Promise<string[]> {
	const keys = open.map(({ id }) => queue.toKey(jobIdOf(sweep, id)));
	const exist = await redis.pipeline(keys.map((key) => ["exists", key])).exec();
	const missing = open.filter((_, i) => exist?.[i][1] === 0);
	const running = ({ state }: Trial) => Number(state === "running");
	return missing.sort((a, b) => running(a) - running(b)).map(({ id }) => String(id));
}

/** Removes the keys of a sweep that has ended, and jobs that were queued twice. */
async function removeKeys(redis: Redis, queue: Queue, { sweep, log }: Following, jobs: TrialJob[]): Promise<void> {
	await Promise.all(jobs.map(({ id }) => queue.remove(jobIdOf(sweep, id))));
	await redis.hdel(sweepsKey, sweep);
	const rungsKey = keyOf(sweep, "rungs");
	const answers = await onKey(redis, rungsKey, log, () => redis.hkeys(rungsKey));
	const rungs = answers.flatMap((field) => /^\d+(?=\/)/.exec(field) ?? []);
	const parts = ["results", "running", "rungs", ...new Set(rungs.map((epoch) => `rung:${epoch}`))];
	await redis.del([...parts, ...jobs.map(({ id }) => `backup:${id}`)].map((part) => keyOf(sweep, part)));
}
