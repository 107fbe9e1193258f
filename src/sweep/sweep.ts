// Runs and resumes a sweep.
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fingerprint } from "../datasets/fingerprint";
import { expectedValue, PARAMETERS, type TrainingParameters } from "../pipeline/parameters";
import { saveArtifact } from "../support/artifacts";
import { hashOfJson } from "../support/files";
import { endingItself, kernel } from "../support/kernel";
import type { Metric } from "../training/history";
import type { HalvingOptions } from "./halving";
import { runLocally } from "./local-workers";
import { validatedRules } from "./messages";
import { extremesOf, type Space, trialsOf } from "./space";
import { bestOf, bestTrial, hasEnded, newTrial, type Trial } from "./trial";
import { resumedTrial, saveTrial } from "./trial-files";

export interface SweepOptions {
	/** Folder with `train` and `valid`. */
	dataset: string;
	/** Folder of all sweeps; each has its own folder in it, from which an interrupted sweep resumes. */
	folder: string;
	/** Folder below which the features of a backbone are kept, in `features`. Default: the user's cache folder. */
	artifacts?: string;
	/** Metric to optimize: a trial's value is its lowest loss or highest accuracy over the epochs. Default `"valLoss"`. */
	objective?: Metric;
	/** Number of trials for each combination of the space's grids. Default 10, or 1 when nothing is sampled. */
	trials?: number;
	/** Random seed of the sampled values. Default 42. */
	seed?: number;
	/** Number of trials that run in parallel on this machine. Default 1. */
	workers?: number;
	/** Number of threads per trial. Default: the number of cores divided by `workers`; 1 with `redis`. */
	threads?: number;
	/** Options of pruning by successive halving, see `successiveHalving`. Default: no pruning. */
	halving?: HalvingOptions | null;
	/** Number of times that a trial is resumed after an error or the death of its process. Default 2. */
	retries?: number;
	/** Path of a module whose `trial`, a `TrialFunction`, runs instead of the pipeline's training. Default: none. */
	module?: string;
	/**
	 * Address of a Redis server, `redis://[user:password@]host:port`: trials run on its workers (`npm run worker`) instead
	 * of on this machine. Default: none.
	 */
	redis?: string;
	/**
	 * Function called with a line of text about what is not as expected, such as a damaged file or a lost connection.
	 * Default `console.warn`.
	 */
	log?: (line: string) => void;
	/** Function called at the start, and whenever a trial starts, finishes an epoch or ends. Default: none. */
	onChange?: (trials: Trial[], changed?: Trial) => void;
}

/** Results of a sweep. */
export interface Sweep {
	/** Folder of the results: `sweep.json` with the settings, and a file for each trial in `trials`. */
	folder: string;
	/** All trials, by number. */
	trials: Trial[];
	/** Trial with the best value among those that did not fail; null when there is none. */
	best: Trial | null;
}

/**
 * Runs a hyperparameter sweep: samples trials from a search space, trains them and compares their objective.
 *
 * Each trial runs in its own process, so that its memory is freed and a crash does not affect other trials. Results, and
 * a checkpoint after each epoch, are saved: the same call resumes an interrupted sweep and loads the results of a
 * complete one. Sweeps are the same when space, trials, seed, objective, halving, module and images are; changes of the
 * training code are not detected.
 *
 * @returns all trials and the best one. After an interrupt the trials that have not ended are `waiting`
 * @throws when the space is invalid or names an unknown hyperparameter, or there are no images
 */
export async function sweep(space: Space, options: SweepOptions): Promise<Sweep> {
	const { objective = "valLoss", seed = 42, workers = 1, halving = null, retries = 2, module = null, redis } = options;
	const { log = console.warn, artifacts } = options;
	if (!module) requireParameters(space);
	const { better } = validatedRules({ objective, halving, retries, module });
	const dataset = resolve(options.dataset);
	const isSampled = Object.values(space).some((value) => typeof value === "object" && value.type !== "grid");
	const samples = options.trials ?? (isSampled ? 10 : 1);
	const sampled = trialsOf(space, { samples, seed });
	const data = module && !redis ? "" : await fingerprint(dataset);
	const settings = { space, samples, seed, objective, halving, module, data };
	const name = hashOfJson(settings);
	const folder = join(options.folder, name);
	saveArtifact(folder, "sweep", settings);

	const threads = options.threads ?? (redis ? 1 : Math.max(1, Math.floor(availableParallelism() / workers)));
	const trials = sampled.map((parameters, id) =>
		resumedTrial(folder, newTrial(id, parameters, threads), { objective, module }, log),
	);
	const abort = kernel()?.current().signal;
	const onChange = (trial: Trial) => {
		trial.value = bestOf(trial.curves[objective], better);
		if (hasEnded(trial)) saveTrial(folder, trial);
		options.onChange?.(trials, trial);
	};
	options.onChange?.(trials);
	await endingItself(async () => {
		// Workers on other machines find the module by the path as it was given.
		const rules = { objective, better, halving, retries, module: redis ? module : module && resolve(module) };
		if (!redis) return runLocally(trials, rules, { dataset, folder, artifacts, workers, abort, onChange, log });
		// Loading BullMQ and ioredis takes a tenth of a second, which other sweeps should not pay.
		const { follow } = require("./redis-queue") as typeof import("./redis-queue");
		return follow(trials, rules, { redis, sweep: name, data, abort, onChange, log });
	});
	return { folder, trials, best: bestTrial(trials, objective) };
}

/** @throws when a space names an unknown hyperparameter, or has a value out of its range */
function requireParameters(space: Space): void {
	for (const [name, distribution] of Object.entries(space)) {
		if (!Object.hasOwn(PARAMETERS, name)) {
			const names = Object.keys(PARAMETERS).join(", ");
			throw new Error(`the space has ${name}, which is not a hyperparameter: expected one of ${names}`);
		}
		for (const value of extremesOf(distribution)) {
			const expected = expectedValue(name as keyof TrainingParameters, value);
			if (expected) throw new Error(`${name} in the space can be ${value}: expected ${expected}`);
		}
	}
}
