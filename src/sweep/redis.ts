// Keys of a sweep in Redis, and what its workers must have in common.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Redis } from "ioredis";
import { hashOfJson } from "../support/files";
import { tensorflowVersion } from "../tensorflow/backend";
import type { Environment } from "./messages";

export const PREFIX = "image-classification";
export const keyOf = (sweep: string, part: string) => `${PREFIX}:${sweep}:${part}`;
export const sweepsKey = `${PREFIX}:sweeps`;
export const jobIdOf = (sweep: string, id: number) => `${sweep}-${id}`;

/** Seconds after which Redis forgets what nobody has asked for: a sweep that was interrupted and not resumed. */
export const EXPIRY = 30 * 24 * 3600;

/** Maximum size of a message in bytes: the curves of thousands of epochs. */
export const MESSAGE_BYTES = 4 * 2 ** 20;

/** Maximum size of a checkpoint in bytes: what Redis stores in a key by default. */
export const CHECKPOINT_BYTES = 512 * 2 ** 20;

export const environmentOf = (data: string): Environment => {
	// Checkpoints are serialized by v8, whose format can change with the major version of Node.
	const [node] = process.versions.node.split(".");
	const versions = `TensorFlow ${tensorflowVersion()}, TensorFlow.js ${tf.version_core}, Node ${node}, messages 2`;
	return { data, versions };
};

/** Queues are named after data and versions, so that only workers with the same ones get a trial. */
export const queueOf = (environment: Environment) => `trials-${hashOfJson(environment)}`;

/**
 * Runs commands on a key. When something else is stored there, which no command of a sweep does, it is removed, and the
 * commands run once more.
 */
export async function onKey<T>(
	redis: Redis,
	key: string,
	log: (line: string) => void,
	commands: () => Promise<T>,
): Promise<T> {
	try {
		return await commands();
	} catch (error) {
		if (!(error as Error).message.startsWith("WRONGTYPE")) throw error;
		log(`${key} in Redis is of another type: removed`);
		await redis.del(key);
		return commands();
	}
}

/** Reads the fields of a hash that are not too long; null for those that are. */
export async function readFields(redis: Redis, key: string, fields: string[]): Promise<Map<string, string | null>> {
	const lengths = await redis.pipeline(fields.map((field) => ["hstrlen", key, field])).exec();
	const short = fields.filter((_, i) => Number(lengths?.[i][1]) <= MESSAGE_BYTES);
	const values = short.length > 0 ? await redis.hmget(key, ...short) : [];
	const read = new Map<string, string | null>(fields.map((field) => [field, null]));
	for (const [i, field] of short.entries()) read.set(field, values[i] ?? "");
	return read;
}
