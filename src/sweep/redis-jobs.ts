// Removes jobs that BullMQ cannot read.
import type { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { isRecord, shown } from "../support/schema";

/** Number of jobs that are looked at. */
const JOBS = 10_000;

/**
 * Removes the jobs that BullMQ cannot read: it would give them to one worker after the other, each time with an error.
 */
export async function removeBrokenJobs(
	redis: Redis,
	queue: Pick<Worker, "toKey">,
	log: (line: string) => void,
): Promise<void> {
	for (const list of ["wait", "active"].map((name) => queue.toKey(name))) {
		for (const id of await redis.lrange(list, 0, JOBS - 1)) {
			const key = queue.toKey(id);
			if (await isReadable(redis, key)) continue;
			// Another worker may have removed it just now.
			const removed = await redis.multi().lrem(list, 0, id).del(key, `${key}:lock`).exec();
			if (removed?.[0][1] !== 0) log(`job ${shown(id)} in Redis cannot be read: removed`);
		}
	}
}

async function isReadable(redis: Redis, key: string): Promise<boolean> {
	try {
		const [data, options, repeat] = await redis.hmget(key, "data", "opts", "rjk");
		JSON.parse(data ?? "{}");
		return isRecord(JSON.parse(options ?? "{}")) && repeat === null;
	} catch (error) {
		// Neither JSON nor a hash; a lost connection says nothing about the job.
		return !(error instanceof SyntaxError || (error as Error).message.startsWith("WRONGTYPE"));
	}
}
