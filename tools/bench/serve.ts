// `npm run serve` next to the same model in FastAPI and Keras, under load; and its memory over many requests.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { trainedModel } from "../run/trained-model";
import { installPeers } from "../setup/packages.mjs";
import { at, root } from "../setup/paths.mjs";
import { median, report } from "./results";
import { type Served, startServer } from "./served";
import type { Measurements } from "./sides";

/** Clients that each send the next request when the last one is answered. */
const CLIENTS = [1, 16, 256];

/** Seconds of load that are measured. */
const SECONDS = 3;

/** Requests over which memory is to stay flat. */
const REQUESTS = 100_000;

interface Load {
	failed: number;
	/** Milliseconds from one answer to the next, of all clients together. */
	interval: number;
	/** Milliseconds in which half of the requests were answered, and 99 of 100. */
	p50: number;
	p99: number;
}

/** Sends small JPEGs to both servers in turn, in each round by 1, 16 and 256 clients. */
export async function benchServe(dataset: string, rounds: number, { quick }: { quick: boolean }): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "serve-"));
	const images = await jpegs(64);
	const servers: Record<string, Served> = {};
	try {
		const archive = await kerasArchive(folder);
		servers.ours = await startServer(["node", at("tools", "cli.mjs"), "serve", "--port", "0"], root);
		servers.python = await startServer([await installPeers(), at("tools", "bench", "serve_peer.py"), archive], root);
		const results: Measurements = {};
		for (let round = 0; round <= rounds; round++) {
			for (const clients of CLIENTS) {
				for (const [side, { address }] of Object.entries(servers)) {
					const loaded = await load(address, images, clients, { seconds: SECONDS });
					// The first round warms up.
					if (round > 0)
						note(results, `${clients} client${clients === 1 ? "" : "s"}`, side as "ours" | "python", loaded);
				}
			}
		}
		report(results, { dataset, rounds }, "serve");
		printThroughput(results);
		servers.python.end();
		await printMemory(servers.ours, images, quick ? REQUESTS / 10 : REQUESTS);
	} finally {
		for (const { end } of Object.values(servers)) end();
		rmSync(folder, { recursive: true });
	}
}

async function kerasArchive(folder: string): Promise<string> {
	const { model, record, temperature } = await trainedModel(at("artifacts"));
	const { exportModel } = require("../../src/export") as typeof import("../../src/export");
	return exportModel(model, folder, { format: "keras", metadata: { classNames: record.classNames, temperature } });
}

function note(results: Measurements, step: string, side: "ours" | "python", { failed, ...times }: Load): void {
	if (failed > 0) console.log(`${step}, ${side}: ${failed} requests failed`);
	for (const [name, value] of Object.entries(times)) {
		const row = `${step}: ${name === "interval" ? "a request" : name}, ms`;
		results[row] ??= { ours: [], python: [] };
		results[row][side].push(value);
	}
}

function printThroughput(results: Measurements): void {
	console.log("\nRequests a second (ours, FastAPI and Keras):");
	for (const [step, sides] of Object.entries(results)) {
		if (!step.includes("a request")) continue;
		const perSecond = Object.values(sides).map((times) => (1000 / median(times)).toFixed(0).padStart(9));
		console.log(`${step.split(":")[0].padEnd(36)}${perSecond.join("")}`);
	}
}

async function printMemory({ address, pid }: Served, images: Buffer[], requests: number): Promise<void> {
	const sizes: string[] = [];
	for (let part = 0; part < 5; part++) {
		sizes.push(`${megabytes(pid)}`);
		await load(address, images, 16, { requests: requests / 5 });
	}
	console.log(`\nMB of ours over ${requests} requests: ${[...sizes, megabytes(pid)].join(", ")}`);
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

/** JPEGs of 64×64 pixels of noise, none like another. */
const jpegs = (count: number): Promise<Buffer[]> =>
	Promise.all(
		Array.from({ length: count }, (_, i) => {
			const noise = { type: "gaussian", mean: 100 + i, sigma: 30 } as const;
			return sharp({ create: { width: 64, height: 64, channels: 3, background: "black", noise } })
				.jpeg()
				.toBuffer();
		}),
	);

/** Sends images from all clients for some seconds, or that many of them. */
async function load(
	address: string,
	images: Buffer[],
	clients: number,
	{ seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY },
): Promise<Load> {
	const agent = new Agent({ keepAlive: true, maxSockets: clients });
	const times: number[] = [];
	let [sent, failed] = [0, 0];
	const started = performance.now();
	const client = async () => {
		while (sent < requests && performance.now() < started + 1000 * seconds) {
			const [image, from] = [images[sent++ % images.length], performance.now()];
			if ((await post(`${address}/predict`, image, agent)) === 200) times.push(performance.now() - from);
			else failed++;
		}
	};
	await Promise.all(Array.from({ length: clients }, client));
	const interval = (performance.now() - started) / times.length;
	agent.destroy();
	times.sort((a, b) => a - b);
	const quantile = (q: number) => times[Math.floor(q * times.length)] ?? Number.NaN;
	return { failed, interval, p50: quantile(0.5), p99: quantile(0.99) };
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
