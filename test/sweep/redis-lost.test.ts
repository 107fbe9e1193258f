// A Redis that loses its data or its connection in the middle of a sweep.
import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, before, describe, test } from "node:test";
import { connect } from "../../src/sweep/redis-connection";
import { uniform } from "../../src/sweep/space";
import { sweep } from "../../src/sweep/sweep";
import { type WorkOptions, work } from "../../src/sweep/worker";
import { smallDataset, temporaryFolder } from "../helpers";
import { until } from "../processes";
import { freePort, startRedis } from "../servers";

const skip = spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";
const curves = { loss: [0.5], acc: [0.5], valLoss: [0.5], valAcc: [0.5] };
const space = { dropout: uniform(0, 0.9), epochs: 1 };

describe("a Redis that comes back empty", { skip }, () => {
	const dataset = smallDataset();
	let [port, url, server] = [0, "", undefined as unknown as ChildProcess];
	let stop = new AbortController();
	const workers: Promise<void>[] = [];
	const start = () => startRedis(temporaryFolder(), port, "--appendonly", "no", "--save", "");

	before(async () => {
		port = await freePort();
		url = `redis://127.0.0.1:${port}`;
		server = await start();
	});
	afterEach(async () => {
		stop.abort();
		stop = new AbortController();
		await Promise.all(workers.splice(0));
	});

	/** Starts a sweep and two workers, and returns once each of them is in the middle of a trial. */
	const inTheMiddle = async () => {
		const lines = { sweep: [] as string[], worker: [] as string[] };
		const [begun, release] = [[] as string[], new AbortController()];
		const run: WorkOptions["run"] = async ({ backup }, _, __, onEpoch) => {
			begun.push(backup);
			await onEpoch(curves);
			if (!release.signal.aborted) await once(release.signal, "abort");
			return { state: "complete", error: null, curves };
		};
		const folder = join(temporaryFolder(), "sweeps");
		const log = (line: string) => lines.sweep.push(line);
		const ended = sweep(space, { dataset, folder, trials: 5, redis: url, log });
		for (const _ of [1, 2]) {
			workers.push(work({ redis: url, dataset, run, abort: stop.signal, log: (line) => lines.worker.push(line) }));
		}
		await until("two trials have begun", () => begun.length === 2);
		return { lines, begun, release: () => release.abort(), ended };
	};

	for (const [what, lose] of [
		[
			"is flushed",
			async () => {
				const redis = await connect(url);
				await redis.flushall();
				redis.disconnect();
			},
		],
		[
			"restarts without persistence",
			async () => {
				server.kill("SIGKILL");
				await once(server, "exit");
				server = await start();
			},
		],
	] as const) {
		test(`a sweep whose Redis ${what} queues its trials again, and says so`, async () => {
			const { lines, begun, release, ended } = await inTheMiddle();
			await lose();
			await until("the sweep has seen it", () =>
				lines.sweep.includes("Redis has lost 5 of 5 trials: they are queued again"),
			);
			release();
			const { trials } = await ended;
			assert.deepEqual(
				trials.map(({ state, curves: { loss } }) => [state, loss]),
				Array(5).fill(["complete", [0.5]]),
			);
			const again = begun.length - new Set(begun).size;
			assert.ok(again <= 2, `of the trials that ran ${again} ran twice`);
			if (what === "is flushed") return;
			for (const said of [lines.sweep, lines.worker].map((list) => list.join("\n"))) {
				assert.match(said, /^Redis at redis:\/\/127\.0\.0\.1:\d+ does not answer any more: waiting for it$/m);
				assert.match(said, /^Redis at redis:\/\/127\.0\.0\.1:\d+ answers again$/m);
			}
		});
	}

	test("an interrupt ends a sweep whose Redis is gone", async () => {
		// The interrupt button of a notebook.
		const interrupt = new AbortController();
		const kernel = Symbol.for("tslab.kernel");
		Object.assign(globalThis, { [kernel]: { current: () => ({ signal: interrupt.signal }) } });
		const lines: string[] = [];
		const folder = join(temporaryFolder(), "sweeps");
		try {
			const ended = sweep({ ...space, epochs: 2 }, { dataset, folder, redis: url, log: (line) => lines.push(line) });
			const client = await connect(url);
			await until("the sweep is in Redis", async () => (await client.hlen("image-classification:sweeps")) > 0);
			client.disconnect();
			server.kill("SIGKILL");
			await until("the sweep says that Redis is gone", () => lines.length > 0);
			interrupt.abort();
			const { trials } = await ended;
			assert.equal(trials.length, 10);
		} finally {
			Reflect.deleteProperty(globalThis, kernel);
		}
	});
});
