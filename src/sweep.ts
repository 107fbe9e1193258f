// Hyperparameter sweeps: many trainings in processes of their own, here or on many machines.
// Start with sweep/sweep.ts, then sweep/local-workers.ts.
export { type HalvingOptions, successiveHalving } from "./sweep/halving";
export { parameterImportances } from "./sweep/importance";
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
export { bestTrial, hasEnded, type Sweep, type SweepOptions, sweep, type Trial, type TrialState } from "./sweep/sweep";
export { type Curves, type TrialFunction, trainPipeline } from "./sweep/trial-process";
