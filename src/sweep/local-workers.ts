// Runs trials on this machine.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { printable } from "../support/text";
import type { Curves } from "../training/history";
import { runTrialProcess } from "./attempt";
import { successiveHalving } from "./halving";
import { nameOf, type Rules, type Task, type Trial } from "./trial";

/** Settings of a sweep on this machine. */
interface LocalRun {
	/** Folder with `train` and `valid`. */
	dataset: string;
	/** Folder of the sweep. */
	folder: string;
	/** Folder below which the features of a backbone are kept. Default: the user's cache folder. */
	artifacts?: string;
	/** Number of trials that run in parallel. */
	workers: number;
	/** Kills all running trials, which are `waiting` afterwards. */
	abort?: AbortSignal;
	/** Called whenever a trial starts, finishes an epoch or ends. */
	onChange(trial: Trial): void;
	/** Called with a line about what is not as expected. */
	log(line: string): void;
}

/** Decides whether a trial continues after an epoch, by the value of the objective. */
type Pruner = (epoch: number, value: number) => boolean;

/**
 * Runs the trials that are waiting, in processes on this machine.
 *
 * @throws errors outside a trial, such as a result that cannot be written; they end the other trials too
 */
export async function runLocally(trials: Trial[], rules: Rules, run: LocalRun): Promise<void> {
	const failure = new AbortController();
	const abort = AbortSignal.any([failure.signal, ...(run.abort ? [run.abort] : [])]);
	const shouldContinue = prunerOf(trials, rules);
	const waiting = trials.filter(({ state }) => state === "waiting");
	const work = async () => {
		try {
			for (let trial = waiting.shift(); trial && !abort.aborted; trial = waiting.shift())
				await runTrial(trial, rules, { ...run, abort }, shouldContinue);
		} catch (error) {
			failure.abort();
			throw error;
		}
	};
	await Promise.all(Array.from({ length: run.workers }, work));
}

/** Returns the pruner of a sweep, which has seen the epochs of the trials so far. */
function prunerOf(trials: Trial[], { objective, better, halving }: Rules): Pruner {
	const shouldContinue = halving ? successiveHalving(better, halving) : () => true;
	for (const { curves } of trials) for (const [i, value] of curves[objective].entries()) shouldContinue(i + 1, value);
	return shouldContinue;
}

/** Runs a trial to its end, with its retries, or until `abort`. */
async function runTrial(
	trial: Trial,
	{ objective, retries, module }: Rules,
	run: LocalRun & { abort: AbortSignal },
	shouldContinue: Pruner,
): Promise<void> {
	const backup = join(run.folder, "backups", nameOf(trial.id));
	const { dataset, artifacts } = run;
	const task = { dataset, parameters: trial.parameters, backup, module, artifacts };
	// An epoch that is repeated after an interruption must get the same answer.
	const answers: boolean[] = [];
	const onEpoch = (curves: Curves) => {
		const epoch = curves[objective].length;
		trial.curves = curves;
		run.onChange(trial);
		answers[epoch] ??= shouldContinue(epoch, curves[objective][epoch - 1]);
		return answers[epoch];
	};
	let retry = true;
	while (retry && trial.attempts <= retries && !run.abort.aborted)
		retry = await attemptTrial(trial, task, retries, run, onEpoch);
	if (trial.state !== "waiting") rmSync(backup, { force: true });
	run.onChange(trial);
}

/** Runs one attempt at a trial, and returns whether the trial is waiting for another. */
async function attemptTrial(
	trial: Trial,
	task: Task,
	retries: number,
	{ abort, onChange, log }: LocalRun & { abort: AbortSignal },
	onEpoch: (curves: Curves) => boolean,
): Promise<boolean> {
	Object.assign(trial, { state: "running", attempts: trial.attempts + 1 });
	onChange(trial);
	const started = performance.now();
	const note = (line: string) => log(`trial ${trial.id}: ${printable(line)}`);
	const outcome = await runTrialProcess(task, trial.threads, abort, onEpoch, note);
	trial.seconds = (performance.now() - started) / 1000;
	const { repeats = false, ...result } = outcome;
	const retry = Boolean(outcome.error) && (abort.aborted || (!repeats && trial.attempts <= retries));
	Object.assign(trial, retry ? { state: "waiting" } : result);
	return retry;
}
