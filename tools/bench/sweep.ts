// Sweeps, one for each line on standard input; answers with milliseconds as JSON.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { sum } from "../../src/support/statistics";
import { grid, sweep } from "../../src/sweep";

const [dataset, ...counts] = process.argv.slice(2);
const [epochs, trials] = counts.map(Number);

async function timed(workers: number): Promise<object> {
	const folder = mkdtempSync(join(tmpdir(), "sweep-"));
	process.env.TIMES = join(folder, "times");
	const rates = Array.from({ length: trials }, (_, i) => 1e-4 * 10 ** (i / Math.max(1, trials - 1)));
	const space = { learningRate: grid(...rates), epochs, patience: 9 };
	const started = Date.now();
	const module = join(__dirname, "timed-trial.ts");
	const { trials: ended } = await sweep(space, { dataset, folder, workers, threads: 1, module });
	const ms = Date.now() - started;
	const failed = ended.find(({ state }) => state !== "complete");
	if (failed) throw new Error(`a trial failed: ${failed.error}`);
	const times = readFileSync(process.env.TIMES, "utf8").trim().split("\n");
	const steps = times.map((line) => JSON.parse(line) as { firstStep: number; lastStep: number });
	rmSync(folder, { recursive: true });
	const training = sum(steps.map(({ firstStep, lastStep }) => lastStep - firstStep));
	return {
		ms,
		"first step": Math.min(...steps.map(({ firstStep }) => firstStep)) - started,
		"a trial but for its steps": (workers * ms - training) / trials,
	};
}

async function main(): Promise<void> {
	for await (const line of createInterface({ input: process.stdin })) {
		console.log(JSON.stringify(await timed(line.startsWith("one at a time") ? 1 : 2)));
	}
}

main();
