// What the messages of a sweep in Redis, and the files of its trials, may hold: one schema for those who write and for
// those who read. Other fields are ignored. JSON has no NaN: in curves it is null.
import { allParameters, expectedValue, PARAMETERS, type TrainingParameters } from "../pipeline/parameters";
import {
	integer,
	matching,
	number,
	oneOf,
	optional,
	orNull,
	type Rule,
	record,
	type Schema,
	shown,
	text,
	validated,
} from "../support/schema";
import { type Curves, METRICS } from "../training/history";
import { checkHalving, type HalvingOptions } from "./halving";
import type { Rules, Trial } from "./trial";

/** A trial as a job of the queue. */
export type TrialJob = Rules & { sweep: string } & Pick<Trial, "id" | "parameters" | "threads">;

/** State of a trial that runs, reported by a worker after each epoch. */
type Running = { state: "running" } & Pick<Trial, "curves" | "attempts">;

/** Result of a trial, reported by a worker. */
type Result = { state: "complete" | "pruned" | "failed"; curves?: Curves } & Pick<
	Trial,
	"error" | "attempts" | "seconds"
>;

/** State of a trial, reported by a worker. */
export type TrialUpdate = Running | Result;

/** Data and versions that the results of a sweep depend on. */
export type Environment = { data: string; versions: string };

/** Maximum number of characters of an error. */
const ERROR_LENGTH = 2000;
/** Maximum number of epochs of a trial that is not the pipeline's. */
const EPOCHS = 1_000_000;

const id = integer(0, 9_999_999);
const threads = integer(1, 1024);
const attempts = integer(0, 1_000_000);
const seconds = number(0, 1e9);
const error = orNull(text(ERROR_LENGTH + 1));
const endState = oneOf("complete", "pruned", "failed");
const curve: Rule = (value) =>
	Array.isArray(value) && value.every((item) => item === null || Number.isFinite(item)) ? null : "a list of numbers";

/** Types only: `checkHalving` has the ranges. */
const HALVING: Schema<HalvingOptions> = {
	minEpochs: optional(number(-EPOCHS, EPOCHS)),
	reductionFactor: optional(number(-EPOCHS, EPOCHS)),
};

const RULES: Schema<Rules> = {
	objective: oneOf(...Object.keys(METRICS)),
	better: oneOf("min", "max"),
	halving: orNull(record),
	retries: integer(0, 1000),
	module: orNull(text(4096)),
};

const JOB: Schema<TrialJob> = {
	...RULES,
	sweep: matching(/^[0-9a-f]{16}$/, "16 hexadecimal digits"),
	id,
	threads,
	parameters: record,
};
const RUNNING: Schema<Running> = { state: oneOf("running"), curves: record, attempts };
const RESULT: Schema<Result> = { state: endState, curves: optional(record), error, attempts, seconds };
const CURVES: Schema<Curves> = { loss: curve, acc: curve, valLoss: curve, valAcc: curve };
const ENVIRONMENT: Schema<Environment> = { data: text(200), versions: text(200) };
const TRIAL: Schema<Omit<Trial, "value">> = {
	...{ id, parameters: record, state: endState, curves: record },
	...{ attempts, seconds, threads, error: orNull(text(1_000_000)) },
};

/** Validates the name of a sweep. */
export const isSweep = (name: string) => JOB.sweep(name) === null;

/** Validates a trial as a job. @throws with the first field that is not valid */
export function validatedJob(value: unknown): TrialJob {
	const job = validated<TrialJob>(value, JOB);
	return { ...job, halving: validatedHalving(job.halving), parameters: validatedParameters(job) };
}

/** Validates the settings of a sweep, and adds the direction of improvement. @throws with the first that is not valid */
export function validatedRules(settings: Omit<Rules, "better">): Rules {
	const better = Object.hasOwn(METRICS, settings.objective) ? METRICS[settings.objective].better : "min";
	const rules = validated<Rules>({ ...settings, better }, RULES);
	return { ...rules, halving: validatedHalving(rules.halving) };
}

function validatedHalving(halving: unknown): HalvingOptions | null {
	if (halving === null) return null;
	const options = within("halving", () => validated<HalvingOptions>(halving, HALVING));
	checkHalving(options);
	return options;
}

/** Validates the hyperparameters of a trial: those of the pipeline, or any of a module. */
function validatedParameters({ parameters, module }: Pick<TrialJob, "parameters" | "module">): Trial["parameters"] {
	for (const [name, value] of Object.entries(parameters)) {
		const isKnown = Object.hasOwn(PARAMETERS, name);
		if (!module && !isKnown) throw new Error(`parameters has ${shown(name)}, which is not a hyperparameter`);
		const expected = module ? oneOfTypes(value) : expectedInMessage(name as keyof TrainingParameters, value);
		if (expected) throw new Error(`${shown(name)} in parameters is ${shown(value)}: expected ${expected}`);
	}
	return parameters;
}

/** As `expectedValue`; but a worker opens no file or address that a message names. */
function expectedInMessage(name: keyof TrainingParameters, value: unknown): string | null {
	const parameter = PARAMETERS[name];
	return "names" in parameter ? oneOf(...parameter.names)(value) : expectedValue(name, value);
}

const oneOfTypes: Rule = (value) =>
	typeof value === "boolean" || Number.isFinite(value) ? null : text(ERROR_LENGTH)(value);

/**
 * Validates what a worker reports of a trial.
 *
 * @param part the hash that it was found in
 * @throws with the first field that is not valid
 */
export function validatedUpdate(value: unknown, part: "running" | "results", trial: TrialSettings): TrialUpdate {
	if (part === "running") {
		const running = validated<Running>(value, RUNNING);
		return { ...running, curves: validatedCurves(running.curves, trial) };
	}
	return validatedEnd(validated<Result>(value, RESULT), trial);
}

/**
 * Validates a trial that has ended, as its file holds it; its value follows from its curves.
 *
 * @param trial the trial as the search space gives it
 * @throws with the first field that is not valid, or is not that of the trial
 */
export function validatedTrial(value: unknown, trial: TrialSettings & Pick<Trial, "id">): Omit<Trial, "value"> {
	const read = validatedEnd(validated<Omit<Trial, "value">>(value, TRIAL), trial);
	if (read.id !== trial.id) throw new Error(`id is ${read.id}: expected ${trial.id}`);
	const [found, expected] = [read.parameters, trial.parameters].map((parameters) => JSON.stringify(parameters));
	if (found === expected) return read;
	throw new Error(`its parameters are ${shown(found)}: the search space gives ${shown(expected)}`);
}

/** Validates the environment of a sweep. @throws with the first field that is not valid */
export const validatedEnvironment = (value: unknown): Environment => validated(value, ENVIRONMENT);

type TrialSettings = Pick<Trial, "parameters"> & Pick<Rules, "module">;

/** Validates that the state of a trial that has ended fits its error and its curves. @throws when it does not */
export function validatedEnd<T extends Pick<Result, "state" | "error" | "curves"> | Omit<Trial, "value">>(
	end: T,
	trial: TrialSettings,
): T {
	const { state, error } = end;
	if ((state === "failed") !== (error !== null)) throw new Error(`state is ${state}, but error is ${shown(error)}`);
	if (end.curves === undefined && state === "failed") return end;
	const curves = validatedCurves(end.curves, trial);
	const numbers = Object.values(curves).flat();
	if (state !== "failed" && !trial.module) {
		if (numbers.length === 0) throw new Error(`state is ${state}, but no epoch has ended`);
		if (numbers.some(Number.isNaN)) throw new Error("its curves hold what is not a number: lower learningRate");
	}
	return { ...end, curves };
}

/** Validates curves: each has a value for every epoch, or none at all. @throws with the first that is not valid */
export function validatedCurves(value: unknown, { parameters, module }: TrialSettings): Curves {
	return within("curves", () => {
		const curves = validated<Curves>(value, CURVES);
		const epochs = module ? EPOCHS : allParameters(parameters).epochs;
		const lengths = [...new Set(Object.values(curves).map(({ length }) => length))].filter((length) => length > 0);
		if (lengths.length > 1) throw new Error(`they have ${lengths.join(" and ")} epochs: expected as many in each`);
		if (lengths[0] > epochs) throw new Error(`they have ${lengths[0]} epochs: expected at most ${epochs}`);
		const entries = Object.entries<(number | null)[]>(curves as never);
		return Object.fromEntries(entries.map(([name, values]) => [name, values.map((value) => value ?? Number.NaN)]));
	}) as unknown as Curves;
}

/** Names where an error is. */
function within<T>(name: string, work: () => T): T {
	try {
		return work();
	} catch (error) {
		throw new Error(`${name}: ${(error as Error).message}`);
	}
}

/** Returns the message of a trial that runs. @throws when its curves are not valid, as those of a module can be */
export function runningMessage(update: Running, trial: TrialSettings): string {
	const message = JSON.stringify(update);
	validatedUpdate(JSON.parse(message), "running", trial);
	return message;
}

/** Returns the message of a trial that has ended; one whose result is not valid, as that of a module can be, has failed. */
export function resultMessage(result: Result, trial: TrialSettings): string {
	const { state, curves, error, attempts, seconds } = result;
	const short = error && error.length > ERROR_LENGTH ? `${error.slice(0, ERROR_LENGTH)}…` : error;
	const message = JSON.stringify({ state, curves, error: short, attempts, seconds });
	try {
		validatedUpdate(JSON.parse(message), "results", trial);
		return message;
	} catch (error) {
		return JSON.stringify({
			state: "failed",
			error: (error as Error).message.slice(0, ERROR_LENGTH),
			attempts,
			seconds,
		});
	}
}
