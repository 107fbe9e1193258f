// Answers for the model that was trained last over HTTP: `npm run serve`.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import type { FastifyInstance } from "fastify";
import { commands } from "../commands.mjs";
import { trainedModel } from "../run/trained-model";
import { readNumber, readProbability, toNumber } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";

/** Serves until a signal comes; then finishes what is running. */
export async function main(args: string[]): Promise<void> {
	const { port, host, artifacts, threshold, maxBytes, page } = readOptions(args);
	const { model, record, temperature } = await trainedModel(artifacts);
	const { bytesPredictor } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const { descriptionOf } = require("../../src/export") as typeof import("../../src/export");
	const { createApp } = require("./app") as typeof import("./app");
	const { classNames } = record;
	const predictor = bytesPredictor(model, { classNames, temperature: temperature ?? 1 });
	warmUp(predictor);
	const description = descriptionOf(model, { classNames, temperature, ...(threshold !== null && { threshold }) });
	const app = await createApp({ predictor, description, maxBytes, page });
	const address = await listen(app, port, host);
	console.log(`${address} answers for the model in ${artifacts}; its API: ${address}/openapi.json. Ctrl-C ends it`);
	await signalled();
	await close(app);
	process.exit(0);
}

interface Options {
	port: number;
	host: string;
	artifacts: string;
	threshold: number | null;
	maxBytes: number;
	page: string | null;
}

function readOptions(args: string[]): Options {
	const type = "string";
	const options = {
		port: { type, default: "8000" },
		host: { type, default: "127.0.0.1" },
		artifacts: { type },
		threshold: { type },
		"max-mb": { type, default: "10" },
		page: { type },
	} as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length > 0) throw new Error(`${positionals[0]} is not expected: ${commands.serve.usage}`);
	const port = toNumber(values.port);
	if (!(Number.isInteger(port) && port >= 0 && port < 65536))
		throw new Error(`--port ${values.port}: expected a whole number, 0 (any that is free) to 65535`);
	return {
		port,
		host: values.host,
		artifacts: values.artifacts ? fromHere(values.artifacts) : at("artifacts"),
		threshold: readProbability("--threshold", values.threshold),
		maxBytes: 1e6 * readNumber("--max-mb", values["max-mb"], { above: 0 }),
		page: pageOf(values.page),
	};
}

function pageOf(given: string | undefined): string | null {
	const page = fromHere(given ?? "exported/index.html");
	if (existsSync(page)) return page;
	if (given === undefined) return null;
	throw new Error(`there is no ${page}: make it with npm run export -- --format web`);
}

/** Makes the graphs of all sizes of batches, which the first requests would wait for. */
function warmUp(predictor: import("../../src/evaluation").BytesPredictor): void {
	const size = predictor.inputShape.reduce((product, length) => product * length, 1);
	for (let images = 1; images <= 32; images *= 2) predictor.predictPixels(new Float32Array(images * size));
}

async function listen(app: FastifyInstance, port: number, host: string): Promise<string> {
	try {
		return await app.listen({ port, host });
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === "EADDRINUSE") throw new Error(`port ${port} of ${host} is in use: choose another with --port`);
		throw new Error(`${host}:${port} cannot be listened at (${code ?? message}): choose others with --host and --port`);
	}
}

/** Waits for the first signal; a second one ends the process at once. */
const signalled = () =>
	new Promise<void>((resolve) => {
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
	});

/** Milliseconds in which requests must be done after a signal. */
const GRACE = 30_000;

/** Stops accepting connections, and waits until all requests are answered. */
async function close(app: FastifyInstance): Promise<void> {
	setTimeout(() => app.server.closeAllConnections(), GRACE).unref();
	await app.close();
}
