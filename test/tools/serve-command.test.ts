// `npm run serve` with real connections, and its batches.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { saveModel } from "../../src/pipeline/saved-model";
import { createBatcher } from "../../tools/serve/batcher";
import { root, temporaryFolder } from "../helpers";
import { until } from "../processes";
import { type Answer, appWith, classNames, model, plain, post } from "./served";

describe("createBatcher", () => {
	/** Returns a batcher whose items are prepared when `go` is called. */
	function held(maxWaiting: number) {
		let go = () => {};
		const gate = new Promise<void>((resolve) => {
			go = resolve;
		});
		const sizes: number[] = [];
		const batcher = createBatcher<number, number, number>({
			prepare: (item) => gate.then(() => item),
			run: (batch) => batch.map((item) => 10 * item),
			maxBatch: 4,
			maxWaiting,
			onBatch: (size) => sizes.push(size),
		});
		return { batcher, sizes, go };
	}

	test("splits what waits into batches, rejects what is too much, and leaves out what nobody wants", async () => {
		const { batcher, sizes, go } = held(6);
		const first = batcher.submit([1, 2, 3]);
		await until("the first batch has begun", () => batcher.waiting() === 0);
		const waiting = [batcher.submit([4, 5, 6, 7]), batcher.submit([8], () => false), batcher.submit([9])];
		assert.equal(batcher.waiting(), 6);
		await assert.rejects(batcher.submit([10]), { statusCode: 503, message: /too many images wait/ });
		go();
		assert.deepEqual(await first, [10, 20, 30]);
		const results = await Promise.allSettled(waiting);
		assert.deepEqual(
			results.map((result) => (result.status === "fulfilled" ? result.value : null)),
			[[40, 50, 60, 70], null, [90]],
		);
		assert.deepEqual(sizes, [3, 4, 1]);
		assert.equal(batcher.waiting(), 0);
	});

	test("goes on after a batch that failed", async () => {
		const batcher = createBatcher<number, number, number>({
			prepare: (item) => item,
			run(batch) {
				if (batch.includes(0)) throw new Error("no zeros");
				return batch;
			},
		});
		await assert.rejects(batcher.submit([1, 0]), /no zeros/);
		assert.deepEqual(await batcher.submit([1, 2]), [1, 2]);
	});
});

describe("bodies that are received", () => {
	/** Announces a body of some MB, and returns the request once the server waits for it. */
	async function announce(address: string, megabytes: number) {
		const headers = { "content-type": "image/jpeg", "content-length": megabytes * 1e6, expect: "100-continue" };
		const sent = request(`${address}/predict`, { method: "POST", headers }).on("error", () => {});
		sent.flushHeaders();
		return sent;
	}

	test("have at most 256 MB together, and leave their place when the client goes", async () => {
		const app = await appWith({ maxBytes: 200e6 });
		const address = await app.listen({ port: 0 });
		const first = await announce(address, 200);
		await once(first, "continue");
		const second = await announce(address, 100);
		const [answer] = await once(second, "response");
		second.destroy();
		assert.deepEqual([answer.statusCode, answer.headers["retry-after"]], [503, "1"]);
		assert.equal((await post(app, plain)).statusCode, 200);
		first.destroy();
		await until("there is place for another", async () => {
			const next = await announce(address, 100);
			const [response] = await Promise.race([once(next, "response"), once(next, "continue").then(() => [null])]);
			next.destroy();
			return response === null;
		});
	});
});

describe("npm run serve", () => {
	const artifacts = temporaryFolder();
	before(async () => {
		const history = { loss: [], acc: [], valLoss: [], valAcc: [], epochsRun: 0, seconds: 0 };
		await saveModel(model, artifacts, { dataset: "", classNames, parameters: DEFAULT_PARAMETERS, history });
	});

	/** Starts the command; it ends with the tests. */
	function start(...args: string[]) {
		const env = { ...process.env, INIT_CWD: temporaryFolder(), TF_ENABLE_ONEDNN_OPTS: "0" };
		const server = spawn("node", ["tools/cli.mjs", "serve", "--artifacts", artifacts, ...args], { cwd: root, env });
		after(() => server.kill("SIGKILL"));
		let errors = "";
		server.stderr.on("data", (text) => {
			errors += text;
		});
		const ended = once(server, "exit").then(([code, signal]) => ({ code, signal, errors }));
		return { server, ended };
	}

	async function addressOf({ server, ended }: ReturnType<typeof start>): Promise<string> {
		for await (const line of createInterface({ input: server.stdout })) {
			const [address] = /^http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
			if (address) return address;
		}
		throw new Error((await ended).errors);
	}

	for (const signal of ["SIGTERM", "SIGINT"] as const) {
		test(`answers the requests that are running at ${signal}, and ends with 0`, { timeout: 300_000 }, async () => {
			const started = start("--port", "0");
			const address = await addressOf(started);
			const send = () =>
				fetch(`${address}/predict`, { method: "POST", body: plain, headers: { "content-type": "image/jpeg" } });
			assert.equal((await send()).status, 200);
			// Half of a body: the server has taken the request, and cannot answer yet.
			const headers = { "content-type": "image/jpeg", "content-length": plain.length, expect: "100-continue" };
			const slow = request(`${address}/predict`, { method: "POST", headers });
			slow.flushHeaders();
			await once(slow, "continue");
			slow.write(plain.subarray(0, 100));
			started.server.kill(signal);
			// Until it accepts no more.
			while (
				await fetch(`${address}/healthz`)
					.then(({ status }) => status === 200)
					.catch(() => false)
			);
			assert.equal(started.server.exitCode, null);
			slow.end(plain.subarray(100));
			const [response] = await once(slow, "response");
			const chunks: Buffer[] = [];
			for await (const chunk of response) chunks.push(chunk);
			assert.equal(response.statusCode, 200);
			assert.equal((JSON.parse(Buffer.concat(chunks).toString()) as Answer).predictions.length, 1);
			assert.deepEqual(await started.ended, { code: 0, signal: null, errors: "" });
		});
	}

	test("answers what is no HTTP, and refuses what it cannot do in one line", async () => {
		const started = start("--port", "0");
		const address = new URL(await addressOf(started));
		const socket = connect(Number(address.port), address.hostname).end("nonsense\r\n\r\n");
		let answer = "";
		for await (const chunk of socket) answer += chunk;
		const [head, body] = answer.split("\r\n\r\n");
		assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/json/);
		assert.deepEqual(Object.keys(JSON.parse(body)), ["error"]);
		const refused: [string[], RegExp][] = [
			[["--port", address.port], /^port \d+ of 127\.0\.0\.1 is in use: choose another with --port$/],
			[["--port", "70000"], /^--port 70000: expected a whole number, 0 \(any that is free\) to 65535$/],
			[["--threshold", "2"], /^--threshold 2: expected a probability, 0 to 1$/],
			[["--max-mb", "0"], /^--max-mb 0: expected a number above 0$/],
			[["--page", "none.html"], /none\.html: make it with npm run export -- --format web$/],
			[["more"], /^more is not expected: npm run serve/],
		];
		for (const [args, message] of refused) {
			const { code, errors } = await start(...args).ended;
			assert.equal(code, 1);
			assert.match(errors.trim().split("\n")[0], message);
		}
		started.server.kill("SIGTERM");
		assert.equal((await started.ended).code, 0);
	});
});
