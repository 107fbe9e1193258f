// Hyperparameter sweeps: many trials in separate processes, on this machine or on many.
// Start with sweep/sweep.ts, then sweep/local-workers.ts.
export { type HalvingOptions, successiveHalving } from "./sweep/halving";
export { bootstrapImportances, type ImportanceInterval, parameterImportances } from "./sweep/importance";
export {
	choice,
	type Distribution,
	grid,
	integer,
	logUniform,
	type Space,
	trialsOf,
	uniform,
	type Value,
} from "./sweep/space";
export { type Sweep, type SweepOptions, sweep } from "./sweep/sweep";
export { bestTrial, hasEnded, type Trial, type TrialFunction, type TrialState } from "./sweep/trial";
export { pipelineTrial } from "./sweep/trial-process";
export type { Curves } from "./training/history";
