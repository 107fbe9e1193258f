// Queues trials in Redis and follows them: sweeps on many machines, whose workers have the same data set (BullMQ).
//
// Workers save the checkpoint of a trial in Redis after each epoch. When a worker dies, BullMQ notices that the lock of
// its job is no longer renewed and hands the job to another worker, which resumes the trial. A trial can thus run twice,
// but only the first result is written, so that a second one changes nothing.
import { setTimeout } from "node:timers/promises";
import { deserialize } from "node:v8";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { connect, environmentOf, keyOf, PREFIX, queueOf, sweepsKey, type TrialJob, type TrialUpdate } from "./redis";
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
}

/**
 * Queues the trials that are waiting and follows them until all have ended, or until `abort`.
 *
 * @param trials trials of the sweep; those that are waiting are updated in place
 */
export async function follow(
	trials: Trial[],
	rules: Rules,
	{ redis: url, sweep, data, abort, onChange }: RedisRun,
): Promise<void> {
	const redis = await connect(url);
	const environment = environmentOf(data);
	const queue = new Queue<TrialJob>(queueOf(environment), { connection: redis, prefix: PREFIX });
	queue.on("error", () => {}); // A lost connection: ioredis reconnects.
	const open = new Map(trials.filter(({ state }) => state === "waiting").map((trial) => [trial.id, trial]));
	const receive = () => receiveUpdates(redis, sweep, open, onChange);
	try {
		await receive();
		await redis.hset(sweepsKey, sweep, JSON.stringify(environment));
		await queueTrials(queue, [...open.values()], rules, sweep);
		while (open.size > 0 && !abort?.aborted) {
			await setTimeout(250);
			await receive();
		}
		if (open.size === 0) await removeKeys(redis, sweep);
	} finally {
		await queue.close();
		redis.disconnect();
	}
}

async function queueTrials(queue: Queue<TrialJob>, trials: Trial[], rules: Rules, sweep: string): Promise<void> {
	await queue.addBulk(
		trials.map(({ id, parameters, threads }) => ({
			name: "trial",
			data: { ...rules, sweep, id, parameters, threads },
			// BullMQ ignores a job whose id is already queued, so a sweep that is followed again adds nothing twice.
			opts: { jobId: `${sweep}-${id}`, attempts: rules.retries + 1, removeOnComplete: true, removeOnFail: true },
		})),
	);
}

/** Applies the updates that workers have written to the open trials, and closes those with a result. */
async function receiveUpdates(
	redis: Redis,
	sweep: string,
	open: Map<number, Trial>,
	onChange: (trial: Trial) => void,
): Promise<void> {
	for (const part of ["running", "results"]) {
		const ids = [...open.keys()];
		const messages = ids.length > 0 ? await redis.hmgetBuffer(keyOf(sweep, part), ...ids.map(String)) : [];
		for (const [i, message] of messages.entries()) {
			const trial = open.get(ids[i]) as Trial;
			if (!message || !applyUpdate(trial, deserialize(message) as TrialUpdate)) continue;
			if (part === "results") open.delete(trial.id);
			onChange(trial);
		}
	}
}

/** Applies an update, and returns whether it changed the trial. */
function applyUpdate(trial: Trial, update: TrialUpdate): boolean {
	const before = JSON.stringify(trial);
	Object.assign(trial, update);
	return JSON.stringify(trial) !== before;
}

/** Removes the keys of a sweep that has ended. */
async function removeKeys(redis: Redis, sweep: string): Promise<void> {
	await redis.hdel(sweepsKey, sweep);
	const rungs = (await redis.hkeys(keyOf(sweep, "rungs"))).map((field) => `rung:${field.split("/")[0]}`);
	const parts = ["results", "running", "rungs", ...new Set(rungs)];
	await redis.del(parts.map((part) => keyOf(sweep, part)));
}
