// `npm run worker -- --redis URL`: takes the trials of sweeps that wait in a Redis, and runs them on this machine.
import { parseArgs } from "node:util";
import { at, fromHere, run, runInTerminal, wholeNumber } from "../common.mjs";
import { setup } from "../setup.mjs";

const usage = "npm run worker -- --redis redis://HOST:PORT [--dataset DIR] [--workers N]";

await run(async () => {
	const type = "string";
	const options = { redis: { type }, dataset: { type }, workers: { type, default: "1" } };
	const { values } = parseArgs({ options });
	const redis = values.redis ?? process.env.REDIS_URL;
	if (!redis) throw new Error(`where the trials wait is missing, here and in REDIS_URL: ${usage}`);
	const workers = wholeNumber("--workers", values.workers);
	await setup();
	const job = { redis, dataset: values.dataset ? fromHere(values.dataset) : at("dataset"), workers };
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3", WORKER: JSON.stringify(job) };
	const args = ["--require", "tsx/cjs", at("tools", "run", "worker.ts")];
	process.exitCode = await runInTerminal("node", args, { env });
});
