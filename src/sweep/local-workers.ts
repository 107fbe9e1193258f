// Runs trials on this machine.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Curves } from "../training/history";
import { runTrialProcess } from "./attempt";
import { successiveHalving } from "./halving";
import { nameOf, type Rules, type Trial } from "./trial";

/** Where and how trials run. */
interface LocalRun {
	dataset: string;
	/** The folder of the sweep. */
	folder: string;
	/** The number of trials at once. */
	workers: number;
	/** Ends all trials, which are `waiting` afterwards. */
	abort?: AbortSignal;
	/** Called whenever a trial starts, ends an epoch or ends. */
	onChange(trial: Trial): void;
}

/** Whether a trial continues after an epoch, by the value of the objective. */
type ShouldContinue = (epoch: number, value: number) => boolean;

/**
 * Runs the trials that are waiting, in processes of this machine.
 *
 * @throws what goes wrong outside a trial, such as a result that cannot be written, which ends the other trials too
 */
export async function runLocally(trials: Trial[], rules: Rules, run: LocalRun): Promise<void> {
	const broken = new AbortController();
	const abort = AbortSignal.any([broken.signal, ...(run.abort ? [run.abort] : [])]);
	const { objective, better, halving } = rules;
	const shouldContinue = halving ? successiveHalving(better, halving) : () => true;
	for (const { curves } of trials) for (const [i, value] of curves[objective].entries()) shouldContinue(i + 1, value);

	const waiting = trials.filter(({ state }) => state === "waiting");
	const work = async () => {
		for (let trial = waiting.shift(); trial && !abort.aborted; trial = waiting.shift())
			await runTrial(trial, rules, { ...run, abort }, shouldContinue);
	};
	const workOrEnd = () =>
		work().catch((error) => {
			broken.abort();
			throw error;
		});
	await Promise.all(Array.from({ length: run.workers }, workOrEnd));
}

/** Runs a trial to its end, with its retries, or until `abort`. */
async function runTrial(
	trial: Trial,
	{ objective, retries, module }: Rules,
	{ dataset, folder, abort, onChange }: LocalRun & { abort: AbortSignal },
	shouldContinue: ShouldContinue,
): Promise<void> {
	const backup = join(folder, "backups", nameOf(trial.id));
	// An epoch that comes again after an interruption gets the same answer.
	const answers: boolean[] = [];
	const onEpoch = (curves: Curves) => {
		const epoch = curves[objective].length;
		trial.curves = curves;
		onChange(trial);
		answers[epoch] ??= shouldContinue(epoch, curves[objective][epoch - 1]);
		return answers[epoch];
	};
	while (trial.attempts <= retries && !abort.aborted) {
		Object.assign(trial, { state: "running", attempts: trial.attempts + 1 });
		onChange(trial);
		const started = performance.now();
		const task = { dataset, parameters: trial.parameters, backup, module };
		const outcome = await runTrialProcess(task, trial.threads, abort, onEpoch);
		trial.seconds = (performance.now() - started) / 1000;
		const again = outcome.error && (abort.aborted || trial.attempts <= retries);
		Object.assign(trial, again ? { state: "waiting" } : outcome);
		if (!again) break;
	}
	if (trial.state !== "waiting") rmSync(backup, { force: true });
	onChange(trial);
}
