// Reads what workers report of the trials of a sweep.
import type { Redis } from "ioredis";
import { parsedJson, shown } from "../support/schema";
import { printable } from "../support/text";
import { type TrialUpdate, validatedUpdate } from "./messages";
import { keyOf, MESSAGE_BYTES, onKey, readFields } from "./redis";
import type { Rules, Trial } from "./trial";

export interface Updates {
	redis: Redis;
	/** Name of the sweep, part of its keys. */
	sweep: string;
	/** All trials of the sweep. */
	trials: Trial[];
	/** Trials without a result, by their number as text. Those that get one are removed. */
	open: Map<string, Trial>;
	module: Rules["module"];
	onChange(trial: Trial): void;
	log(line: string): void;
	/** The last message of each running trial. */
	seen: Map<string, string>;
}

/**
 * Applies what workers have written to the open trials, and closes those with a result.
 *
 * An entry that is not valid is removed, with a line: otherwise the result that a worker writes first would never count.
 */
export async function receiveUpdates(updates: Updates): Promise<void> {
	for (const part of ["running", "results"] as const) {
		const key = keyOf(updates.sweep, part);
		await onKey(updates.redis, key, updates.log, () => receivePart(updates, key, part));
	}
}

async function receivePart(updates: Updates, key: string, part: "running" | "results"): Promise<void> {
	const { redis, trials, open, seen, onChange } = updates;
	const fields = await redis.hkeys(key);
	for (const field of fields) {
		if (String(trials[Number(field)]?.id) !== field) await discard(updates, key, field, "there is no such trial");
	}
	const wanted = fields.filter((field) => open.has(field));
	if (wanted.length === 0) return;
	for (const [field, message] of await readFields(redis, key, wanted)) {
		if (part === "running" && message !== null && seen.get(field) === message) continue;
		const trial = open.get(field) as Trial;
		try {
			if (message === null) throw new Error(`it has more than ${MESSAGE_BYTES} bytes`);
			const update = validatedUpdate(parsedJson(message, MESSAGE_BYTES), part, { ...trial, module: updates.module });
			apply(trial, update);
		} catch (error) {
			await discard(updates, key, field, (error as Error).message);
			continue;
		}
		if (part === "running") seen.set(field, message);
		else open.delete(field);
		onChange(trial);
	}
}

/** Applies an update: only what a worker decides. */
function apply(trial: Trial, update: TrialUpdate): void {
	trial.state = update.state;
	trial.attempts = update.attempts;
	if (update.curves) trial.curves = update.curves;
	if (update.state === "running") return;
	trial.error = update.error;
	trial.seconds = update.seconds;
}

async function discard({ redis, log }: Updates, key: string, field: string, why: string): Promise<void> {
	await redis.hdel(key, field);
	log(`entry ${shown(field)} of ${key} in Redis is not valid and was removed: ${printable(why)}`);
}
