// Runs the sweep of `npm run sweep`, which is in the environment variable SWEEP, and prints each trial as it ends.
import { join } from "node:path";
import type { Space } from "../../src/sweep/space";
import { type SweepOptions, sweep } from "../../src/sweep/sweep";
import { hasEnded, type Trial } from "../../src/sweep/trial";

type Job = SweepOptions & { space: Space; report: string | null };
const { space, report, ...options } = JSON.parse(process.env.SWEEP as string) as Job;
const { objective = "valLoss", dataset } = options;

async function main(): Promise<void> {
	const { shown } = await import("../common.mjs" as string);
	const onChange = (trials: Trial[], trial?: Trial) => {
		if (!trial || !hasEnded(trial)) return;
		const open = trials.filter((other) => !hasEnded(other)).length;
		console.log(`${inWords(trial)}${open > 0 ? `; ${open} to go` : ""}`);
	};
	const { trials, best, folder } = await sweep(space, { ...options, onChange });
	const failed = trials.filter(({ state }) => state === "failed").length;
	if (failed > 0) console.log(`${failed} of ${trials.length} trials failed.`);
	console.log(best ? `Best: ${inWords(best)}` : "No trial has a value.");
	console.log(`Results: ${shown(folder)}`);
	if (!best) process.exitCode = 1;
	const wanted = report === "best" ? best : trials[Number(report)];
	if (report && !wanted) throw new Error(`there is no trial ${report}: they are 0 to ${trials.length - 1}, or best`);
	if (report && wanted) process.exitCode = await writeReport(wanted, join(folder, "reports", String(wanted.id)));
}

/** The notebooks of training and evaluation with a trial's parameters, as pages. */
async function writeReport({ parameters, threads }: Trial, reports: string): Promise<number> {
	const { at, runInTerminal } = await import("../common.mjs" as string);
	const places = { dataset, artifacts: join(reports, "artifacts"), reports };
	const args = [
		...Object.entries(places).flatMap(([name, value]) => [`--${name}`, value]),
		...Object.entries(parameters).flatMap(([name, value]) => ["-p", `${name}=${value}`]),
	];
	// With as many threads as the trial had, its curves come out the same to the last digit.
	const env = { ...process.env, TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: String(threads) };
	return runInTerminal("node", [at("tools", "report", "report.mjs"), "04", "05", ...args], { env });
}

function inWords({ id, state, value, curves, seconds, parameters, error }: Trial): string {
	const values = Object.entries(parameters).map(([name, value]) => `${name} ${short(value)}`);
	const epochs = `${curves.loss.length} epoch${curves.loss.length === 1 ? "" : "s"}`;
	const how = error
		? `failed: ${error}`
		: `${state}, ${objective} ${short(value ?? Number.NaN)} after ${epochs}, ${seconds.toFixed(1)} s`;
	return `trial ${id} (${values.join(", ")}) ${how}`;
}

const short = (value: number | string | boolean) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);

main().catch((error) => {
	console.error((error as Error).message);
	process.exit(1);
});
