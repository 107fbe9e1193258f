// Connection, keys and messages of a sweep in Redis.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { Redis } from "ioredis";
import { hashOfJson } from "../support/files";
import { tensorflowVersion } from "../tensorflow/backend";
import type { Rules, Trial } from "./trial";

/** A trial on its way to a worker. */
export type Order = Rules & { sweep: string } & Pick<Trial, "id" | "parameters" | "threads">;

/** Curves and how they ended, as far as a worker knows. */
export type News = Partial<Pick<Trial, "state" | "curves" | "error" | "attempts" | "seconds">>;

export const PREFIX = "image-classification";
export const keyOf = (sweep: string, part: string) => `${PREFIX}:${sweep}:${part}`;
export const sweepsKey = `${PREFIX}:sweeps`;

/** What must be the same for trials to give the same results. Queues are named by it, so no other worker gets a trial. */
export type Environment = { data: string; versions: string };

export const environmentOf = (data: string): Environment => {
	const [node] = process.versions.node.split("."); // which writes the trials' state in its own way
	return { data, versions: `TensorFlow ${tensorflowVersion()}, TensorFlow.js ${tf.version_core}, Node ${node}` };
};
export const queueOf = (place: Environment) => `trials-${hashOfJson(place)}`;

/**
 * A connection that outlives restarts of the server.
 *
 * @throws when the first attempt fails, or the user may not write
 */
export async function connect(url: string): Promise<Redis> {
	if (!/^rediss?:\/\/./.test(url))
		throw new Error(`${url} is no address of a Redis: expected redis://[user:password@]host:port`);
	const { protocol, host } = new URL(url);
	const where = `Redis at ${protocol}//${host}`;
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
		if (/NOAUTH|WRONGPASS|NOPERM/.test(message)) throw new Error(`${where} does not let you in: ${message}`);
		const advice = message.includes("certificate")
			? "NODE_EXTRA_CA_CERTS=FILE lets Node trust your own authority"
			: "is redis-server running there?";
		throw new Error(`${where} cannot be used: ${message || "no answer"}; ${advice}`);
	} finally {
		first.disconnect();
	}
	const redis = new Redis(url, { maxRetriesPerRequest: null });
	redis.on("error", () => {}); // it comes back
	return redis;
}
