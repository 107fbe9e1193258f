// Sweeps beyond one machine: trials wait in Redis, and workers with the same data set take them (by BullMQ).
//
// A trial's state after each epoch goes to Redis too. When a worker dies, BullMQ notices that nobody renews the trial's
// lock and hands it to another one, which goes on from there. A trial can thus be run twice, but its result is written
// once, under its number; whoever comes second changes nothing.
import { setTimeout } from "node:timers/promises";
import { deserialize } from "node:v8";
import { Queue } from "bullmq";
import { connect, environmentOf, keyOf, type News, type Order, PREFIX, queueOf, sweepsKey } from "./redis";
import type { Rules, Trial } from "./trial";

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
	const place = environmentOf(data);
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
