// Hyperparameter sweeps: many trainings, each in a process of its own, some at a time, that outlive interruptions.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { loadArtifact, saveArtifact } from "./artifacts";
import { attempt } from "./attempt";
import { fingerprint } from "./fingerprint";
import { type HalvingOptions, successiveHalving } from "./halving";
import { endingItself, kernel } from "./kernel";
import { follow } from "./queue";
import { type Space, trialsOf, type Value } from "./space";
import type { Curves } from "./trial";

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
	/** Why it failed. */
	error: string | null;
}

export interface SweepOptions {
	/** The folder with `train` and `valid`. */
	dataset: string;
	/** Where results and unfinished trials are kept. A sweep that was interrupted goes on from there. */
	folder: string;
	/** What is best: the least loss or the greatest accuracy, over a trial's epochs. Default `"valLoss"`. */
	objective?: keyof Curves;
	/** How many trials, for each point of the space's grids. Default 10, or 1 when everything is a grid. */
	trials?: number;
	/** Decides which values are drawn. Default 42. */
	seed?: number;
	/** How many trials run at once on this machine. Default 1. */
	workers?: number;
	/**
	 * How many threads each trial computes with; the last digits depend on it. Default: the cores, shared out; with
	 * `redis` 1.
	 */
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
	/** Called whenever a trial starts, ends an epoch or ends. */
	onChange?: (trials: Trial[], changed: Trial) => void;
}

/** The names that the pipeline's training takes. */
const PARAMETERS = ["imageSize", "batchSize", "epochs", "learningRate", "patience", "seed", "augment", "dropout"];

/**
 * Trains with values from a space, and compares.
 *
 * Each trial is a process: what it takes of memory goes back, and one that dies takes no other along. Results and the
 * state after each epoch are written to `folder`, so that the same call goes on where an earlier one was interrupted.
 *
 * @returns all trials, in their order; the interrupt button ends the sweep, with the others waiting
 * @throws when the space names a parameter that training does not have, or the folder holds another sweep
 */
export async function sweep(space: Space, options: SweepOptions): Promise<Trial[]> {
	const {
		folder,
		objective = "valLoss",
		seed = 42,
		workers = 1,
		halving = null,
		retries = 2,
		module,
		onChange,
	} = options;
	const unknown = Object.keys(space).find((name) => !PARAMETERS.includes(name));
	if (unknown && !module) throw new Error(`the space has ${unknown}: training has ${PARAMETERS.join(", ")}`);
	const dataset = resolve(options.dataset);
	const better = objective.endsWith("oss") ? "min" : "max";
	const drawn = Object.values(space).some((value) => typeof value === "object" && value.type !== "grid");
	const samples = options.trials ?? (drawn ? 10 : 1);
	const drawnTrials = trialsOf(space, { samples, seed });
	const goesOn = halving ? successiveHalving(better, halving) : () => true;
	const data = module && !options.redis ? "" : await fingerprint(dataset);
	const settings = { space, samples, seed, objective, halving, data };
	await claim(folder, settings);

	const best = (curves: Curves) => bestOf(curves[objective], better);
	const trials = drawnTrials.map((parameters, id) => loadTrial(folder, id) ?? newTrial(id, parameters));
	for (const { curves } of trials) for (const [i, value] of curves[objective].entries()) goesOn(i + 1, value);

	const finish = (trial: Trial) => {
		trial.value = best(trial.curves);
		saveArtifact(join(folder, "trials"), nameOf(trial.id), trial);
	};
	const abort = kernel()?.current().signal;
	if (options.redis) {
		const rules = {
			objective,
			better,
			halving,
			retries,
			threads: options.threads ?? 1,
			module: module ?? null,
		} as const;
		const heard = (trial: Trial) => {
			trial.value = best(trial.curves);
			if (trial.state !== "running") finish(trial);
			onChange?.(trials, trial);
		};
		const { redis } = options;
		await endingItself(() => follow(trials, rules, { redis, settings, data, abort, onChange: heard }));
		return trials;
	}

	const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
	const run = async (trial: Trial) => {
		const backup = join(folder, "backups", nameOf(trial.id));
		const task = { dataset, parameters: trial.parameters, backup, module: module ? resolve(module) : null };
		// An epoch that comes again after an interruption gets the same answer.
		const answers: boolean[] = [];
		const ask = (curves: Curves) => {
			const epoch = curves[objective].length;
			Object.assign(trial, { curves, value: best(curves) });
			onChange?.(trials, trial);
			answers[epoch] ??= goesOn(epoch, curves[objective][epoch - 1]);
			return answers[epoch];
		};
		while (trial.attempts <= retries && !abort?.aborted) {
			trial.state = "running";
			trial.attempts++;
			onChange?.(trials, trial);
			const started = performance.now();
			Object.assign(trial, await attempt(task, threads, abort, ask));
			trial.seconds = (performance.now() - started) / 1000;
			if (!trial.error) break;
		}
		if (abort?.aborted && trial.error) Object.assign(trial, { state: "waiting", error: null });
		else {
			finish(trial);
			rmSync(backup, { force: true });
		}
		onChange?.(trials, trial);
	};
	const waiting = trials.filter(({ state }) => state === "waiting");
	const work = async () => {
		for (let trial = waiting.shift(); trial && !abort?.aborted; trial = waiting.shift()) await run(trial);
	};
	await endingItself(() => Promise.all(Array.from({ length: workers }, work)));
	return trials;
}

/** The trial with the best value among those that did not fail; null when there is none. */
export function bestTrial(trials: Trial[], objective: keyof Curves = "valLoss"): Trial | null {
	const sign = objective.endsWith("oss") ? 1 : -1;
	const valued = trials.filter(({ value, state }) => value !== null && state !== "failed");
	return valued.sort((a, b) => sign * ((a.value as number) - (b.value as number)))[0] ?? null;
}

function newTrial(id: number, parameters: Trial["parameters"]): Trial {
	const curves = { loss: [], acc: [], valLoss: [], valAcc: [] };
	return { id, parameters, state: "waiting", curves, value: null, attempts: 0, seconds: 0, error: null };
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

/** Takes a folder for a sweep, or finds the same one in it. */
async function claim(folder: string, settings: object): Promise<void> {
	mkdirSync(folder, { recursive: true });
	const known = loadArtifact<object>(folder, "sweep");
	const [before, now] = [known, settings].map((value) => JSON.stringify(value));
	if (!known && existsSync(join(folder, "trials")) && readdirSync(join(folder, "trials")).length > 0) {
		throw new Error(`${folder} has trials but no sweep.json: choose another folder`);
	}
	if (known && before !== now) {
		const changed = Object.entries(settings).filter(
			([name, value]) => JSON.stringify(value) !== JSON.stringify((known as Record<string, unknown>)[name]),
		);
		const what = changed.map(([name]) => (name === "data" ? "the data set" : name)).join(", ");
		throw new Error(`${folder} holds another sweep (${what} differ): choose another folder, or remove it`);
	}
	saveArtifact(folder, "sweep", settings);
}
