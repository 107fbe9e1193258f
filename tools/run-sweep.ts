// Runs the sweep of `npm run sweep`, which is in the environment variable SWEEP, and prints each trial as it ends.
import type { Space } from "../src/space";
import { bestTrial, type SweepOptions, sweep, type Trial } from "../src/sweep";

const { space, ...options } = JSON.parse(process.env.SWEEP as string) as SweepOptions & { space: Space };
const { objective = "valLoss", folder } = options;

async function main(): Promise<void> {
	const onChange = (trials: Trial[], trial: Trial) => {
		if (trial.state === "running" || trial.state === "waiting") return;
		const open = trials.filter(({ state }) => state === "running" || state === "waiting").length;
		console.log(`${inWords(trial)}${open > 0 ? `; ${open} to go` : ""}`);
	};
	const trials = await sweep(space, { ...options, onChange });
	const best = bestTrial(trials, objective);
	const failed = trials.filter(({ state }) => state === "failed").length;
	if (failed > 0) console.log(`${failed} of ${trials.length} trials failed.`);
	console.log(best ? `Best: ${inWords(best)}` : "No trial has a value.");
	console.log(`Results: ${folder}/trials`);
	if (!best) process.exitCode = 1;
}

function inWords({ id, state, value, curves, seconds, parameters, error }: Trial): string {
	const values = Object.entries(parameters).map(([name, value]) => `${name} ${short(value)}`);
	const how = error
		? `failed: ${error}`
		: `${state}, ${objective} ${short(value ?? Number.NaN)} after ${curves.loss.length} epochs, ${seconds.toFixed(1)} s`;
	return `trial ${id} (${values.join(", ")}) ${how}`;
}

const short = (value: number | string | boolean) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);

main().catch((error) => {
	console.error((error as Error).message);
	process.exit(1);
});
