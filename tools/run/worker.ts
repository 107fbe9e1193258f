// Runs the trials of sweeps that wait in a Redis, on this machine: `npm run worker -- --redis URL`.
import { parseArgs } from "node:util";
import { commands } from "../commands.mjs";
import { datasetFolder, fillDataset } from "../data/fill";
import { wholeNumber } from "../setup/numbers.mjs";
import { withoutAddress } from "./redis-address";

const OPTIONS = {
	redis: { type: "string" },
	dataset: { type: "string" },
	workers: { type: "string", default: "1" },
	"allow-modules": { type: "boolean" },
} as const;

/** Takes trials and runs them until the command is interrupted. */
export async function main(args: string[]): Promise<void> {
	const { values } = withoutAddress(() => parseArgs({ args, options: OPTIONS }));
	const redis = values.redis ?? process.env.REDIS_URL;
	if (!redis) throw new Error(`no Redis address: pass --redis or set REDIS_URL; ${commands.worker.usage}`);
	const workers = withoutAddress(() => wholeNumber("--workers", values.workers ?? ""));
	const dataset = datasetFolder(values.dataset);
	await fillDataset(dataset);
	// Not through the door of src/sweep, which must not load Redis; and only now, because TensorFlow takes a second.
	const { work } = require("../../src/sweep/worker") as typeof import("../../src/sweep/worker");
	await work({ redis, dataset, workers, allowModules: values["allow-modules"] });
}
