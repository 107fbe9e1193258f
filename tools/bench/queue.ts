// Trials that do nothing, through the queue: the overhead of Redis alone.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweep, uniform } from "../../src/sweep";
import { connect } from "../../src/sweep/redis-connection";
import { work } from "../../src/sweep/worker";
import { freePort, startRedis } from "../../test/servers";

const [dataset, count] = [process.argv[2], Number(process.argv[3])];

async function main(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "queue-"));
	const port = await freePort();
	const redis = `redis://127.0.0.1:${port}`;
	const server = await startRedis(folder, port, "--appendfsync", "everysec"); // Redis's default
	process.once("exit", () => server.kill()); // also when a trial or the sweep fails
	const stop = new AbortController();
	const curves = { loss: [1], acc: [1], valLoss: [1], valAcc: [1] };
	const run = async () => ({ state: "complete", error: null, curves }) as const;
	const worker = work({ redis, dataset, workers: 16, log: () => {}, abort: stop.signal, run });
	const started = performance.now();
	const { trials } = await sweep({ dropout: uniform(0, 0.9) }, { dataset, folder, trials: count, redis });
	const seconds = (performance.now() - started) / 1000;
	if (trials.some(({ state }) => state !== "complete")) throw new Error("a trial did not end");
	const client = await connect(redis);
	const memory = /used_memory_peak:(\d+)/.exec(await client.info("memory"))?.[1];
	client.disconnect();
	stop.abort();
	await worker;
	server.kill();
	await once(server, "exit");
	rmSync(folder, { recursive: true });
	const [rate, megabytes] = [count / seconds, Number(memory) / 2 ** 20];
	console.log(`${count} trials: ${rate.toFixed(0)} a second, at most ${megabytes.toFixed(1)} MB in Redis`);
}

main();
