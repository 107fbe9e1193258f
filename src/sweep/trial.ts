// Trials, their states, and the messages of a trial process.
import { type Curves, emptyCurves, METRICS, type Metric } from "../training/history";
import type { HalvingOptions } from "./halving";
import type { Value } from "./space";

/** State of a trial, in Optuna's terms; `pruned`: stopped early by successive halving. */
export type TrialState = "waiting" | "running" | "complete" | "pruned" | "failed";

export interface Trial {
	/** Number of the trial, from 0, in the order of `trialsOf`. */
	id: number;
	/** Value of each hyperparameter. */
	parameters: Record<string, Value>;
	state: TrialState;
	/** Learning curves so far. */
	curves: Curves;
	/** Best value of the objective over the epochs; null before the first epoch, or when none is finite. */
	value: number | null;
	/** Number of times that the trial was started or resumed. */
	attempts: number;
	/** Duration of the last attempt, including the start of the process. */
	seconds: number;
	/** Number of threads that the trial computes with; the last digits of its results depend on it. */
	threads: number;
	/** Message of the error that the trial failed with, or null. */
	error: string | null;
}

/** Settings that apply to all trials of a sweep. */
export interface Rules {
	/** Metric to optimize. */
	objective: Metric;
	/** Direction of improvement of the objective. */
	better: "min" | "max";
	/** Options of successive halving; null: no pruning. */
	halving: HalvingOptions | null;
	/** Number of times that a failed trial is resumed. */
	retries: number;
	/** Path of a module whose `trial` runs instead of the pipeline's training, or null. */
	module: string | null;
}

/** Whether a trial has ended: complete, pruned or failed. */
export const hasEnded = ({ state }: Trial) => state !== "waiting" && state !== "running";

/** Returns the trial with the best value among those that did not fail; null when there is none. */
export function bestTrial(trials: Trial[], objective: Metric = "valLoss"): Trial | null {
	const sign = METRICS[objective].better === "min" ? 1 : -1;
	const valued = trials.filter(({ value, state }) => value !== null && state !== "failed");
	return valued.sort((a, b) => sign * ((a.value as number) - (b.value as number)))[0] ?? null;
}

/** Returns a waiting trial. */
export function newTrial(id: number, parameters: Trial["parameters"], threads: number): Trial {
	return {
		id,
		parameters,
		state: "waiting",
		curves: emptyCurves(),
		value: null,
		attempts: 0,
		seconds: 0,
		threads,
		error: null,
	};
}

/** Returns the file name of a trial, without its extension: `"0007"`. */
export const nameOf = (id: number) => String(id).padStart(4, "0");

/** Returns the best of the finite values; null when there is none. */
export function bestOf(values: number[], better: "min" | "max"): number | null {
	const numbers = values.filter((value) => Number.isFinite(value));
	return numbers.length === 0 ? null : better === "min" ? Math.min(...numbers) : Math.max(...numbers);
}

/** Message to a trial process when it starts. */
export interface Task {
	/** Folder with `train` and `valid`. */
	dataset: string;
	/** Value of each hyperparameter. */
	parameters: Record<string, Value>;
	/** Checkpoint file, from which an interrupted trial resumes. */
	backup: string;
	/** Folder below which the features of a backbone are kept. Default: the user's cache folder. */
	artifacts?: string;
	/** Path of a module whose `trial` runs instead of the pipeline's training, or null. */
	module: string | null;
}

/**
 * Message from a trial process: after each epoch, answered by whether the trial continues; at the end; an error, and
 * whether another attempt would repeat it; or a note for the user.
 */
export type Report = { curves: Curves; done: boolean } | { error: string; repeats: boolean } | { note: string };

/** A custom trial: calls `report` after each epoch, ends when that returns false, and returns the curves of all epochs. */
export type TrialFunction = (
	task: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
) => Promise<Curves>;
