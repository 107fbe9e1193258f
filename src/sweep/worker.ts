// Runs trials from the queue in Redis.
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Job, Worker } from "bullmq";
import { fingerprint } from "../datasets/fingerprint";
import { printable } from "../support/text";
import { runTrialProcess } from "./attempt";
import type { Environment } from "./messages";
import { environmentOf, PREFIX, queueOf } from "./redis";
import { connect } from "./redis-connection";
import { removeBrokenJobs } from "./redis-jobs";
import { sweepsWatcher } from "./redis-sweeps";
import { runJob, type WorkerContext } from "./redis-trial";

export interface WorkOptions {
	/** Address of a Redis server: `redis://`, or with TLS `rediss://`, `[user:password@]host:port`. */
	redis: string;
	/** Folder with `train` and `valid`; trials of other data sets are left to other workers. */
	dataset: string;
	/** Number of trials that run in parallel. Default 1. */
	workers?: number;
	/** Whether trials may run a module of this checkout instead of the pipeline's training. Default false. */
	allowModules?: boolean;
	/** Function called with a line of text whenever a trial starts or ends. Default `console.log`. */
	log?: (line: string) => void;
	/** Stops the worker at once; other workers resume its running trials. Default: none. */
	abort?: AbortSignal;
	/** Function that runs a trial. Default: runs it in its own process. */
	run?: typeof runTrialProcess;
}

/** Milliseconds between two looks at the sweeps in Redis. */
const CHECK = 5000;

/**
 * Runs trials from the queue in Redis, each in its own process, until `abort`.
 *
 * @throws when Redis cannot be reached or used, or all sweeps there need other data or versions
 */
export async function work(options: WorkOptions): Promise<void> {
	const { dataset, workers = 1, allowModules = false, log = console.log, abort, run = runTrialProcess } = options;
	const redis = await connect(options.redis, log);
	const environment = environmentOf(await fingerprint(dataset));
	const folder = mkdtempSync(join(tmpdir(), "trials-"));
	const removeFolder = () => rmSync(folder, { recursive: true, force: true });
	process.on("exit", removeFolder);
	const check = sweepsWatcher(redis, environment, dataset, log);
	try {
		await check();
		const context = { redis, dataset: resolve(dataset), folder, allowModules, log, abort, run };
		const worker = startWorker(environment, workers, context);
		log(`Worker ${hostname()} ${process.pid} waits for trials of ${printable(dataset)}`);
		// A worker of one sweep can stay for the next one, which it may not fit.
		const timer = setInterval(() => check().catch((error: Error) => log(error.message)), CHECK);
		if (!abort?.aborted) await new Promise((stop) => abort?.addEventListener("abort", stop));
		clearInterval(timer);
		// A connection that is lost is not closed before it is back.
		await Promise.race([worker.close(true), setTimeout(2000)]);
	} finally {
		redis.disconnect();
		removeFolder();
		process.off("exit", removeFolder);
	}
}

function startWorker(environment: Environment, concurrency: number, context: WorkerContext): Worker<unknown> {
	const { redis, log } = context;
	const worker = new Worker<unknown>(queueOf(environment), (job: Job<unknown>) => runJob(job, context), {
		connection: redis,
		prefix: PREFIX,
		concurrency,
		// Other workers take over the jobs of a dead worker when its locks have expired.
		lockDuration: 10_000,
		stalledInterval: 5_000,
		maxStalledCount: 100,
	});
	const known = new Set<string>();
	worker.on("error", ({ message }) => {
		// A lost connection: ioredis reconnects, and tells.
		if (redis.status !== "ready") return;
		if (known.size < 100 && !known.has(message)) log(`The queue in Redis: ${printable(message)}`);
		known.add(message);
		removeBrokenJobs(redis, worker, log).catch(() => {});
	});
	return worker;
}
