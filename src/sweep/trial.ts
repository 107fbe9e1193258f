// Trials, their states, and the messages of a trial process.
import { join } from "node:path";
import { loadArtifact } from "../support/artifacts";
import { type Curves, emptyCurves, METRICS, type Metric } from "../training/history";
import type { HalvingOptions } from "./halving";
import type { Value } from "./space";

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

/** What applies to all trials of a sweep. */
export interface Rules {
	/** The metric to optimize. */
	objective: Metric;
	better: "min" | "max";
	halving: HalvingOptions | null;
	/** The number of times that a failed trial is resumed. */
	retries: number;
	/** The path of a module whose `trial` runs instead of the pipeline's training, or null. */
	module: string | null;
}

/** Whether nothing more comes of a trial. */
export const hasEnded = ({ state }: Trial) => state !== "waiting" && state !== "running";

/** The trial with the best value among those that did not fail; null when there is none. */
export function bestTrial(trials: Trial[], objective: Metric = "valLoss"): Trial | null {
	const sign = METRICS[objective].better === "min" ? 1 : -1;
	const valued = trials.filter(({ value, state }) => value !== null && state !== "failed");
	return valued.sort((a, b) => sign * ((a.value as number) - (b.value as number)))[0] ?? null;
}

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

export function loadTrial(folder: string, id: number): Trial | null {
	const trial = loadArtifact<Trial>(join(folder, "trials"), nameOf(id));
	// JSON has no NaN.
	for (const curve of Object.values(trial?.curves ?? {}) as number[][])
		curve.splice(0, curve.length, ...curve.map((value) => value ?? Number.NaN));
	return trial;
}

export const nameOf = (id: number) => String(id).padStart(4, "0");

export function bestOf(values: number[], better: "min" | "max"): number | null {
	const numbers = values.filter((value) => Number.isFinite(value));
	return numbers.length === 0 ? null : better === "min" ? Math.min(...numbers) : Math.max(...numbers);
}

/** What a trial is sent when it starts. */
export interface Task {
	/** The folder with `train` and `valid`. */
	dataset: string;
	parameters: Record<string, Value>;
	/** A file for what it needs to go on after an interruption. */
	backup: string;
	/** The path of a module whose `trial` runs in place of the pipeline's training, or null. */
	module: string | null;
}

/** What a trial says: after each epoch, which is answered by whether it goes on; at the end; or what went wrong. */
export type Report = { curves: Curves; done: boolean } | { error: string };

/** A trial of one's own: calls `report` after each epoch, ends when that gives false, and returns all its epochs. */
export type TrialFunction = (
	task: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
) => Promise<Curves>;
