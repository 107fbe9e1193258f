// Runs and resumes a sweep.
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fingerprint } from "../datasets/fingerprint";
import { expectedValue, PARAMETERS, type TrainingParameters } from "../pipeline/parameters";
import { saveArtifact } from "../support/artifacts";
import { hashOfJson } from "../support/files";
import { endingItself, kernel } from "../support/kernel";
import { METRICS, type Metric } from "../training/history";
import { checkHalving, type HalvingOptions } from "./halving";
import { runLocally } from "./local-workers";
import { extremesOf, type Space, trialsOf } from "./space";
import { bestOf, bestTrial, hasEnded, loadTrial, nameOf, newTrial, type Trial } from "./trial";

export interface SweepOptions {
	/** The folder with `train` and `valid`. */
	dataset: string;
	/** Where sweeps are kept, each in a folder of its own. One that was interrupted goes on from there. */
	folder: string;
	/** What is best: the least loss or the greatest accuracy, over a trial's epochs. Default `"valLoss"`. */
	objective?: Metric;
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
 * the results of one that was not. The same are space, trials, seed, objective, halving and images; the code that trains
 * is not looked at.
 *
 * @returns the interrupt button ends the sweep, with the other trials waiting
 * @throws when the space is wrong or names a parameter that training does not have, or there are no images
 */
export async function sweep(space: Space, options: SweepOptions): Promise<Sweep> {
	const { objective = "valLoss", seed = 42, workers = 1, halving = null, retries = 2, module = null, redis } = options;
	if (!module) requireParameters(space);
	if (halving) checkHalving(halving);
	const dataset = resolve(options.dataset);
	const isDrawn = Object.values(space).some((value) => typeof value === "object" && value.type !== "grid");
	const samples = options.trials ?? (isDrawn ? 10 : 1);
	const drawn = trialsOf(space, { samples, seed });
	const data = module && !redis ? "" : await fingerprint(dataset);
	const settings = { space, samples, seed, objective, halving, module, data };
	const name = hashOfJson(settings);
	const folder = join(options.folder, name);
	saveArtifact(folder, "sweep", settings);

	const threads = options.threads ?? (redis ? 1 : Math.max(1, Math.floor(availableParallelism() / workers)));
	const trials = drawn.map((parameters, id) => loadTrial(folder, id) ?? newTrial(id, parameters, threads));
	const { better } = METRICS[objective];
	const abort = kernel()?.current().signal;
	const changed = (trial: Trial) => {
		trial.value = bestOf(trial.curves[objective], better);
		if (hasEnded(trial)) saveArtifact(join(folder, "trials"), nameOf(trial.id), trial);
		options.onChange?.(trials, trial);
	};
	options.onChange?.(trials);
	await endingItself(async () => {
		const rules = { objective, better, halving, retries, module };
		const local = { ...rules, module: module && resolve(module) };
		if (!redis) return runLocally(trials, local, { dataset, folder, workers, abort, onChange: changed });
		// Redis and BullMQ take a tenth of a second to load, which only these sweeps should pay.
		const { follow } = await import("./redis-queue");
		return follow(trials, rules, { redis, sweep: name, data, abort, onChange: changed });
	});
	return { folder, trials, best: bestTrial(trials, objective) };
}

/** @throws when a space names a hyperparameter that the pipeline does not have, or a value out of its range */
function requireParameters(space: Space): void {
	for (const [name, distribution] of Object.entries(space)) {
		if (!(name in PARAMETERS)) {
			throw new Error(`the space has ${name}: training has ${Object.keys(PARAMETERS).join(", ")}`);
		}
		for (const value of extremesOf(distribution)) {
			const expected = expectedValue(name as keyof TrainingParameters, value);
			if (expected) throw new Error(`${name} in the space can be ${value}: expected ${expected}`);
		}
	}
}
