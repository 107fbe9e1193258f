// Hyperparameter sweeps: many trainings, each in a process of its own, some at a time, that outlive interruptions.
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fingerprint, hashOf } from "../datasets/fingerprint";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { endingItself, kernel } from "../support/kernel";
import { DEFAULT_PARAMETERS } from "../training/train";
import { attempt } from "./attempt";
import { checkHalving, type HalvingOptions, successiveHalving } from "./halving";
import { type Space, trialsOf, type Value } from "./space";
import type { Curves } from "./trial-process";

/** How a trial stands, in Optuna's words; `pruned`: stopped early, by successive halving. */
export type TrialState = "waiting" | "running" | "complete" | "pruned" | "failed";

export interface Trial {
	/** Its number, from 0, in the order of the space. */
	id: number;
	parameters: Record<string, Value>;
	state: TrialState;
	curves: Curves;
	/** The best value of the objective over its epochs; null before the first, or when none is a number. */
	value: number | null;
	/** How often it was begun or gone on with. */
	attempts: number;
	/** How long its last attempt took, with the process's start. */
	seconds: number;
	/** How many threads it computes with, on which its last digits depend. */
	threads: number;
	/** Why it failed. */
	error: string | null;
}

export interface SweepOptions {
	/** The folder with `train` and `valid`. */
	dataset: string;
	/** Where sweeps are kept, each in a folder of its own. One that was interrupted goes on from there. */
	folder: string;
	/** What is best: the least loss or the greatest accuracy, over a trial's epochs. Default `"valLoss"`. */
	objective?: keyof Curves;
	/** How many trials, for each point of the space's grids. Default 10, or 1 when everything is a grid. */
	trials?: number;
	/** Decides which values are drawn. Default 42. */
	seed?: number;
	/** How many trials run at once on this machine. Default 1. */
	workers?: number;
	/** How many threads each trial computes with. Default: the cores, shared out; with `redis` 1. */
	threads?: number;
	/** Stops bad trials early, see `successiveHalving`. Default: all run to their end. */
	halving?: HalvingOptions | null;
	/** How often a trial that throws, or whose process dies, is gone on with. Default 2. */
	retries?: number;
	/** A module that exports `trial`, a `TrialFunction`, in place of the pipeline's training. Default: none. */
	module?: string;
	/**
	 * The address of a Redis, `redis://[user:password@]host:port`: trials go to the workers there, in place of this
	 * machine (`npm run worker`). Default: none.
	 */
	redis?: string;
	/** Called at the start, and whenever a trial starts, ends an epoch or ends. */
	onChange?: (trials: Trial[], changed?: Trial) => void;
}

/** What came of a sweep. */
export interface Sweep {
	/** Where its results are: `sweep.json` with its space, and a file for each trial in `trials`. */
	folder: string;
	/** All trials, in their order. */
	trials: Trial[];
	/** The one with the best value among those that did not fail; null when there is none. */
	best: Trial | null;
}

/**
 * Trains with values from a space, and compares.
 *
 * Each trial is a process: what it takes of memory goes back, and one that dies takes no other along. Results and the
 * state after each epoch are written down, so that the same call goes on where an earlier one was interrupted, and finds
 * the results of one that was not. The same are space, trials, seed, objective, halving and pictures; the code that trains
 * is not looked at.
 *
 * @returns the interrupt button ends the sweep, with the other trials waiting
 * @throws when the space is wrong or names a parameter that training does not have, or there are no pictures
 */
export async function sweep(space: Space, options: SweepOptions): Promise<Sweep> {
	const { objective = "valLoss", seed = 42, workers = 1, halving = null, module = null, redis } = options;
	const known = Object.keys(DEFAULT_PARAMETERS);
	const unknown = Object.keys(space).find((name) => !known.includes(name));
	if (unknown && !module) throw new Error(`the space has ${unknown}: training has ${known.join(", ")}`);
	if (halving) checkHalving(halving);
	const dataset = resolve(options.dataset);
	const isDrawn = Object.values(space).some((value) => typeof value === "object" && value.type !== "grid");
	const samples = options.trials ?? (isDrawn ? 10 : 1);
	const drawn = trialsOf(space, { samples, seed });
	const data = module && !redis ? "" : await fingerprint(dataset);
	const settings = { space, samples, seed, objective, halving, module, data };
	const name = hashOf(settings);
	const folder = join(options.folder, name);
	saveArtifact(folder, "sweep", settings);

	const threads = options.threads ?? (redis ? 1 : Math.max(1, Math.floor(availableParallelism() / workers)));
	const trials = drawn.map((parameters, id) => loadTrial(folder, id) ?? newTrial(id, parameters, threads));
	const better = objective.endsWith("oss") ? "min" : "max";
	const abort = kernel()?.current().signal;
	const changed = (trial: Trial) => {
		trial.value = bestOf(trial.curves[objective], better);
		if (hasEnded(trial)) saveArtifact(join(folder, "trials"), nameOf(trial.id), trial);
		options.onChange?.(trials, trial);
	};
	options.onChange?.(trials);
	await endingItself(async () => {
		if (!redis) return runHere(trials, { ...options, dataset, folder, objective }, better, changed, abort);
		const rules = { objective, better, halving, retries: options.retries ?? 2, module } as const;
		// Redis and BullMQ take a tenth of a second to load, which only these sweeps should pay.
		const { follow } = await import("./redis-queue");
		return follow(trials, rules, { redis, sweep: name, data, abort, onChange: changed });
	});
	return { folder, trials, best: bestTrial(trials, objective) };
}

/** Whether nothing more comes of a trial. */
export const hasEnded = ({ state }: Trial) => state !== "waiting" && state !== "running";

/** Runs the trials that wait, some at a time, in processes of this machine. */
async function runHere(
	trials: Trial[],
	options: SweepOptions & { objective: keyof Curves },
	better: "min" | "max",
	changed: (trial: Trial) => void,
	interrupt: AbortSignal | undefined,
): Promise<void> {
	// What goes wrong here, as opposed to in a trial, ends the others too.
	const broken = new AbortController();
	const abort = AbortSignal.any([broken.signal, ...(interrupt ? [interrupt] : [])]);
	const { dataset, folder, objective, workers = 1, halving, retries = 2 } = options;
	const module = options.module ? resolve(options.module) : null;
	const goesOn = halving ? successiveHalving(better, halving) : () => true;
	for (const { curves } of trials) for (const [i, value] of curves[objective].entries()) goesOn(i + 1, value);

	const run = async (trial: Trial) => {
		const backup = join(folder, "backups", nameOf(trial.id));
		// An epoch that comes again after an interruption gets the same answer.
		const answers: boolean[] = [];
		const ask = (curves: Curves) => {
			const epoch = curves[objective].length;
			trial.curves = curves;
			changed(trial);
			answers[epoch] ??= goesOn(epoch, curves[objective][epoch - 1]);
			return answers[epoch];
		};
		while (trial.attempts <= retries && !abort.aborted) {
			Object.assign(trial, { state: "running", attempts: trial.attempts + 1 });
			changed(trial);
			const started = performance.now();
			const task = { dataset, parameters: trial.parameters, backup, module };
			const outcome = await attempt(task, trial.threads, abort, ask);
			trial.seconds = (performance.now() - started) / 1000;
			const again = outcome.error && (abort.aborted || trial.attempts <= retries);
			Object.assign(trial, again ? { state: "waiting" } : outcome);
			if (!again) break;
		}
		if (trial.state !== "waiting") rmSync(backup, { force: true });
		changed(trial);
	};
	const waiting = trials.filter(({ state }) => state === "waiting");
	const work = async () => {
		for (let trial = waiting.shift(); trial && !abort.aborted; trial = waiting.shift()) await run(trial);
	};
	const workOrEnd = () =>
		work().catch((error) => {
			broken.abort();
			throw error;
		});
	await Promise.all(Array.from({ length: workers }, workOrEnd));
}

/** The trial with the best value among those that did not fail; null when there is none. */
export function bestTrial(trials: Trial[], objective: keyof Curves = "valLoss"): Trial | null {
	const sign = objective.endsWith("oss") ? 1 : -1;
	const valued = trials.filter(({ value, state }) => value !== null && state !== "failed");
	return valued.sort((a, b) => sign * ((a.value as number) - (b.value as number)))[0] ?? null;
}

function newTrial(id: number, parameters: Trial["parameters"], threads: number): Trial {
	const curves = { loss: [], acc: [], valLoss: [], valAcc: [] };
	return { id, parameters, state: "waiting", curves, value: null, attempts: 0, seconds: 0, threads, error: null };
}

function loadTrial(folder: string, id: number): Trial | null {
	const trial = loadArtifact<Trial>(join(folder, "trials"), nameOf(id));
	// JSON has no NaN.
	for (const curve of Object.values(trial?.curves ?? {}))
		curve.splice(0, curve.length, ...curve.map((value) => value ?? Number.NaN));
	return trial;
}

const nameOf = (id: number) => String(id).padStart(4, "0");

function bestOf(values: number[], better: "min" | "max"): number | null {
	const numbers = values.filter((value) => Number.isFinite(value));
	return numbers.length === 0 ? null : better === "min" ? Math.min(...numbers) : Math.max(...numbers);
}
