// Load on `npm run serve`, and beside it on the same model in FastAPI and Keras (`serve_peer.py`), where a Python with
// both is named: node --require ./src/support/tsx.cjs tools/bench/serve.ts [--artifacts DIR] [--seconds 5] [--python PYTHON]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { readNumber } from "../setup/numbers.mjs";
import { at, fromHere, root } from "../setup/paths.mjs";
import { run } from "../setup/processes.mjs";

/** Clients that each send the next request when the last one is answered. */
const CLIENTS = [1, 16, 256];

/** Side of the JPEGs that are sent, in pixels. */
const SIDE = 64;

/** Seconds of load before what is measured. */
const WARM_UP = 2;

interface Load {
	requests: number;
	failed: number;
	perSecond: number;
	/** Milliseconds in which half of the requests were answered, and 99 of 100. */
	p50: number;
	p99: number;
}

async function main(): Promise<void> {
	const type = "string";
	const options = { artifacts: { type }, seconds: { type, default: "5" }, python: { type } } as const;
	const { values } = parseArgs({ options });
	const artifacts = values.artifacts ? fromHere(values.artifacts) : at("artifacts");
	const seconds = readNumber("--seconds", values.seconds, { above: 0 });
	await measure("ours", ["node", at("tools", "cli.mjs"), "serve", "--artifacts", artifacts, "--port", "0"], seconds);
	if (!values.python) return;
	const folder = mkdtempSync(join(tmpdir(), "serve-"));
	try {
		const { trainedModel } = require("../run/trained-model") as typeof import("../run/trained-model");
		const { exportModel } = require("../../src/export") as typeof import("../../src/export");
		const { model, record, temperature } = await trainedModel(artifacts);
		const metadata = { classNames: record.classNames, temperature };
		const path = await exportModel(model, folder, { format: "keras", metadata });
		await measure("FastAPI and Keras", [values.python, at("tools", "bench", "serve_peer.py"), path], seconds);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** Starts a server, which prints its address, and prints what it does under load. */
async function measure(name: string, [program, ...args]: string[], seconds: number): Promise<void> {
	const server = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
	try {
		const address = await addressOf(server.stdout);
		const pid = server.pid ?? 0;
		const images = await jpegs(64);
		console.log(`${name}: ${megabytes(pid)} MB after its start`);
		for (const clients of CLIENTS) {
			await load(address, images, clients, WARM_UP);
			const { requests, failed, perSecond, p50, p99 } = await load(address, images, clients, seconds);
			const times = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
			const count = `${requests} requests, ${failed} failed`;
			const clientsOf = `${clients} client${clients === 1 ? "" : "s"}`;
			console.log(
				`${name}, ${clientsOf}: ${perSecond.toFixed(0)} requests/s, ${times} (${count}), ${megabytes(pid)} MB`,
			);
		}
	} finally {
		server.kill("SIGTERM");
	}
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
	for await (const line of createInterface({ input: output })) {
		const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
		if (address) return address;
	}
	throw new Error("the server ended before it printed its address");
}

/** Resident memory of a process; 0 where the system is not Linux. */
function megabytes(pid: number): number {
	try {
		const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		return Math.round(Number(kilobytes) / 1e3);
	} catch {
		return 0;
	}
}

/** JPEGs of noise, none like another. */
const jpegs = (count: number): Promise<Buffer[]> =>
	Promise.all(
		Array.from({ length: count }, (_, i) => {
			const noise = { type: "gaussian", mean: 100 + i, sigma: 30 } as const;
			const create = { width: SIDE, height: SIDE, channels: 3, background: "black", noise } as const;
			return sharp({ create }).jpeg().toBuffer();
		}),
	);

/** Sends images from all clients for some seconds. */
async function load(address: string, images: Buffer[], clients: number, seconds: number): Promise<Load> {
	const agent = new Agent({ keepAlive: true, maxSockets: clients });
	const times: number[] = [];
	let failed = 0;
	const started = performance.now();
	const end = started + 1000 * seconds;
	const client = async (_: unknown, index: number) => {
		for (let i = index; performance.now() < end; i++) {
			const sent = performance.now();
			const status = await post(`${address}/predict`, images[i % images.length], agent);
			if (status === 200) times.push(performance.now() - sent);
			else failed++;
		}
	};
	await Promise.all(Array.from({ length: clients }, client));
	const elapsed = (performance.now() - started) / 1000;
	agent.destroy();
	times.sort((a, b) => a - b);
	const quantile = (q: number) => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? Number.NaN;
	const requests = times.length;
	return { requests, failed, perSecond: requests / elapsed, p50: quantile(0.5), p99: quantile(0.99) };
}

/** Posts an image; returns the status of the answer, 0 where there was none. */
const post = (url: string, image: Buffer, agent: Agent): Promise<number> =>
	new Promise((resolve) => {
		const headers = { "content-type": "image/jpeg", "content-length": image.length };
		const sent = request(url, { method: "POST", agent, headers }, (response) => {
			response.resume().on("end", () => resolve(response.statusCode ?? 0));
		});
		sent.on("error", () => resolve(0)).end(image);
	});

void run(main);
