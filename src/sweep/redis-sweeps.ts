// Which sweeps are in a Redis, and whether a worker fits them.
import type { Redis } from "ioredis";
import { parsedJson, shown } from "../support/schema";
import { printable } from "../support/text";
import { type Environment, isSweep, validatedEnvironment } from "./messages";
import { onKey, sweepsKey } from "./redis";

/**
 * Returns a function that looks at the sweeps in Redis. It logs which new ones need another environment than this
 * worker's or cannot be read, and which have gone. The first time it throws when all need another environment.
 */
export function sweepsWatcher(
	redis: Redis,
	environment: Environment,
	dataset: string,
	log: (line: string) => void,
): () => Promise<void> {
	let known: Map<string, Environment> | null = null;
	const skipped = new Set<string>();
	return async () => {
		const before = known;
		const found = await readSweeps(redis, log, skipped);
		const fresh = [...found].filter(([sweep]) => !before?.has(sweep));
		const problems = fresh.flatMap(([sweep, needed]) => problemOf(sweep, needed, environment, dataset) ?? []);
		if (!before && problems.length > 0 && problems.length === found.size) throw new Error(problems.join("\n"));
		for (const problem of problems) log(problem);
		for (const [sweep, needed] of before ?? []) {
			if (found.has(sweep) || problemOf(sweep, needed, environment, dataset)) continue;
			log(`sweep ${sweep} has ended, or Redis has lost it: waiting for trials`);
		}
		known = found;
	};
}

/** Reads the sweeps in Redis. @param skipped the names that were logged as not valid before */
async function readSweeps(
	redis: Redis,
	log: (line: string) => void,
	skipped: Set<string>,
): Promise<Map<string, Environment>> {
	const sweeps = new Map<string, Environment>();
	for (const [sweep, json] of Object.entries(await onKey(redis, sweepsKey, log, () => redis.hgetall(sweepsKey)))) {
		try {
			if (!isSweep(sweep)) throw new Error("expected 16 hexadecimal digits");
			sweeps.set(sweep, validatedEnvironment(parsedJson(json)));
		} catch (error) {
			if (!skipped.has(sweep)) {
				log(`entry ${shown(sweep)} of ${sweepsKey} in Redis is skipped: ${printable((error as Error).message)}`);
			}
			skipped.add(sweep);
		}
	}
	return sweeps;
}

/** Returns why a worker does not fit a sweep; null when it does. */
function problemOf(
	sweep: string,
	needed: Environment,
	{ versions, data }: Environment,
	dataset: string,
): string | null {
	if (needed.versions !== versions) {
		return `sweep ${sweep} needs ${printable(needed.versions)}; this worker has ${versions}`;
	}
	return needed.data === data ? null : `sweep ${sweep} needs other data than ${printable(dataset)}`;
}
