// Trains with parameters from a search space and compares the trials: `npm run sweep -- FILE.json`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { counted } from "../../src/support/format";
import { readJson } from "../../src/support/json";
import { printable } from "../../src/support/text";
import type { Space, SweepOptions, Trial } from "../../src/sweep";
import { threadsEnvironment } from "../../src/sweep/attempt";
import { commands } from "../commands.mjs";
import { datasetFolder, fillDataset } from "../data/fill";
import { wholeNumber } from "../setup/numbers.mjs";
import { at, fromHere, shown } from "../setup/paths.mjs";
import { runInTerminal } from "../setup/processes.mjs";
import { withoutAddress } from "./redis-address";

/** What a sweep file may hold. */
type SweepFile = { space: Space } & Partial<Omit<SweepOptions, "onChange" | "log">>;
const KEYS: (keyof SweepFile)[] = [
	"space",
	"dataset",
	"folder",
	"objective",
	"trials",
	"seed",
	"workers",
	"threads",
	"halving",
	"retries",
	"redis",
];

/** Options that count something, in the file and on the command line. */
const COUNTS = ["trials", "workers", "threads"] as const;

interface Job {
	space: Space;
	options: SweepOptions;
	/** The trial to report on: a number, `"best"`, or `null` for none. */
	report: string | null;
}

/** Runs the sweep of a file, or resumes it, and prints each trial as it ends. */
export async function main(args: string[]): Promise<void> {
	const { space, options, report } = withoutAddress(() => readJob(args));
	const { objective = "valLoss", dataset } = options;
	await fillDataset(dataset);
	// Loaded only now: TensorFlow takes a second, which a mistyped option should not.
	const { hasEnded, sweep } = require("../../src/sweep") as typeof import("../../src/sweep");
	const onChange = (trials: Trial[], trial?: Trial) => {
		if (!trial || !hasEnded(trial)) return;
		const open = trials.filter((other) => !hasEnded(other)).length;
		console.log(`${described(trial, objective)}${open > 0 ? `; ${open} to go` : ""}`);
	};
	const { trials, best, folder } = await sweep(space, { ...options, onChange });
	const failed = trials.filter(({ state }) => state === "failed").length;
	if (failed > 0) console.log(`${failed} of ${trials.length} trials failed.`);
	console.log(best ? `Best: ${described(best, objective)}` : "No trial has a value.");
	console.log(`Results: ${shown(folder)}`);
	if (!best) process.exitCode = 1;
	if (report === null) return;
	const trial = report === "best" ? best : trials[Number(report)];
	if (!trial) throw new Error(`there is no trial ${report}: they are 0 to ${trials.length - 1}, or best`);
	process.exitCode = await writeReport(trial, dataset, join(folder, "reports", String(trial.id)));
}

/** Reads the command line and the sweep file; the command line takes precedence. */
function readJob(args: string[]): Job {
	const type = "string";
	const counts = { trials: { type }, workers: { type }, threads: { type } } as const;
	const options = { dataset: { type }, folder: { type }, redis: { type }, report: { type }, ...counts } as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length !== 1) throw new Error(`expected one file with a search space: ${commands.sweep.usage}`);
	const { space, ...given } = readFile(fromHere(positionals[0]));
	for (const name of COUNTS) {
		const text = values[name] ?? given[name];
		if (text !== undefined) given[name] = wholeNumber(name in values ? `--${name}` : name, String(text));
	}
	const report = values.report ?? null;
	if (report !== null && !/^(best|\d+)$/.test(report)) {
		throw new Error(`--report ${report}: expected best, or the number of a trial`);
	}
	const folder = values.folder ?? given.folder;
	const dataset = values.dataset ?? given.dataset;
	return {
		space,
		options: {
			...given,
			redis: values.redis ?? given.redis ?? process.env.REDIS_URL,
			dataset: datasetFolder(dataset),
			folder: folder ? fromHere(folder) : at("artifacts", "sweeps"),
		},
		report,
	};
}

function readFile(file: string): SweepFile {
	if (!existsSync(file)) throw new Error(`there is no ${file}`);
	const given = readJson(file) as Partial<SweepFile> | null;
	if (typeof given?.space !== "object" || given.space === null) {
		throw new Error(`${file} has no space: npm run sweep -- --help shows an example`);
	}
	const unknown = Object.keys(given).find((name) => !(KEYS as string[]).includes(name));
	if (unknown) throw new Error(`${file} has ${unknown}: expected ${KEYS.join(", ")}`);
	return given as SweepFile;
}

/** Runs the notebooks of training and evaluation with a trial's parameters, as pages. */
function writeReport({ parameters, threads }: Trial, dataset: string, reports: string): Promise<number> {
	const folders = { dataset, artifacts: join(reports, "artifacts"), reports };
	const args = [
		...Object.entries(folders).flatMap(([name, value]) => [`--${name}`, value]),
		...Object.entries(parameters).flatMap(([name, value]) => ["-p", `${name}=${value}`]),
	];
	// With as many threads as the trial had, its curves come out the same to the last digit.
	const env = threadsEnvironment(threads);
	return runInTerminal("node", [at("tools", "cli.mjs"), "report", "04", "05", ...args], { env });
}

/** A trial in one line: its parameters, how it ended, and its value or error. */
function described({ id, state, value, curves, seconds, parameters, error }: Trial, objective: string): string {
	const values = Object.entries(parameters).map(([name, value]) => printable(`${name} ${short(value)}`));
	const epochs = counted(curves.loss.length, "epoch");
	const result = error
		? `failed: ${printable(error)}`
		: `${state}, ${objective} ${short(value ?? Number.NaN)} after ${epochs}, ${seconds.toFixed(1)} s`;
	return `trial ${id} (${values.join(", ")}) ${result}`;
}

const short = (value: number | string | boolean) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
