// Connection, keys and messages of a sweep in Redis.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { Redis } from "ioredis";
import { hashOfJson } from "../support/files";
import { tensorflowVersion } from "../tensorflow/backend";
import type { Rules, Trial } from "./trial";

/** A trial as a job of the queue. */
export type TrialJob = Rules & { sweep: string } & Pick<Trial, "id" | "parameters" | "threads">;

/** State of a trial, reported by a worker. */
export type TrialUpdate = Partial<Pick<Trial, "state" | "curves" | "error" | "attempts" | "seconds">>;

export const PREFIX = "image-classification";
export const keyOf = (sweep: string, part: string) => `${PREFIX}:${sweep}:${part}`;
export const sweepsKey = `${PREFIX}:sweeps`;

/**
 * Data and versions that results depend on. Queues are named after it, so that only workers with the same ones get a
 * trial.
 */
export type Environment = { data: string; versions: string };

export const environmentOf = (data: string): Environment => {
	// Checkpoints are serialized by v8, whose format can change with the major version of Node.
	const [node] = process.versions.node.split(".");
	return { data, versions: `TensorFlow ${tensorflowVersion()}, TensorFlow.js ${tf.version_core}, Node ${node}` };
};
export const queueOf = (environment: Environment) => `trials-${hashOfJson(environment)}`;

/**
 * Connects to Redis, with a client that reconnects after restarts of the server.
 *
 * @param url `redis://` or `rediss://` (TLS) `[user:password@]host:port`
 * @throws when the first connection fails, or the user has no write permission
 */
export async function connect(url: string): Promise<Redis> {
	if (!/^rediss?:\/\/./.test(url))
		throw new Error(`${url} is not a Redis address: expected redis://[user:password@]host:port`);
	const { protocol, host } = new URL(url);
	const server = `Redis at ${protocol}//${host}`;
	const first = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
	let reason = "";
	first.on("error", (error) => {
		reason = error.message;
	});
	try {
		await first.connect();
		await first.set(`${PREFIX}:check`, "1", "EX", 1);
	} catch (error) {
		const message = reason || (error as Error).message;
		if (/NOAUTH|WRONGPASS|NOPERM/.test(message)) throw new Error(`${server} denies access: ${message}`);
		const advice = message.includes("certificate")
			? "NODE_EXTRA_CA_CERTS=FILE makes Node trust your certificate authority"
			: "is redis-server running there?";
		throw new Error(`${server} cannot be used: ${message || "no answer"}; ${advice}`);
	} finally {
		first.disconnect();
	}
	const redis = new Redis(url, { maxRetriesPerRequest: null });
	redis.on("error", () => {}); // A lost connection: ioredis reconnects.
	return redis;
}
