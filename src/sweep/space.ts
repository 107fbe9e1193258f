// Search spaces and sampling of trials.
import seedrandom from "seedrandom";

/** Value of a hyperparameter. */
export type Value = number | string | boolean;

/** Distribution that a hyperparameter is sampled from, or grid of its values. */
export type Distribution =
	| { type: "uniform"; low: number; high: number; step?: number }
	| { type: "loguniform"; low: number; high: number }
	| { type: "int"; low: number; high: number; step?: number; log?: boolean }
	| { type: "choice"; choices: Value[] }
	| { type: "grid"; values: Value[] };

/** Search space: a distribution, or a fixed value, for each hyperparameter by name. */
export type Space = Record<string, Distribution | Value>;

/** Uniform distribution from `low` to `high`, or over the multiples of `step` from `low`: Optuna's `suggest_float`. */
export const uniform = (low: number, high: number, step?: number): Distribution => ({
	type: "uniform",
	low,
	high,
	...(step === undefined ? {} : { step }),
});

/** Log-uniform distribution from `low`, above 0, to `high`: Optuna's `suggest_float(log=True)`. */
export const logUniform = (low: number, high: number): Distribution => ({ type: "loguniform", low, high });

/**
 * Uniform distribution over the integers from `low` to `high`, both included: Optuna's `suggest_int`.
 *
 * @param options `step`: distance of the integers, default 1; `log`: whether the distribution is log-uniform, default
 *   false
 */
export const integer = (low: number, high: number, options: { step?: number; log?: boolean } = {}): Distribution => ({
	type: "int",
	low,
	high,
	...options,
});

/** Categorical distribution over the choices: Optuna's `suggest_categorical`. */
export const choice = (...choices: Value[]): Distribution => ({ type: "choice", choices });

/** Grid: every value is tried, in all combinations with the other grids, as Optuna's `GridSampler`. */
export const grid = (...values: Value[]): Distribution => ({ type: "grid", values });

/**
 * Samples the trials of a search space: `samples` draws for each combination of the grids.
 *
 * A value depends only on the seed, the number of the trial and the name of the hyperparameter.
 *
 * @param options `samples`: number of draws for each combination, default 1; `seed`: random seed, default 42
 * @returns the hyperparameters of each trial
 * @throws when a distribution is empty, has `low` above `high` or is of an unknown type
 */
export function trialsOf(space: Space, { samples = 1, seed = 42 } = {}): Record<string, Value>[] {
	for (const [name, distribution] of Object.entries(space)) check(name, distribution);
	const points = Object.entries(space).reduce<Record<string, Value>[]>(
		(combinations, [name, distribution]) =>
			isGrid(distribution)
				? combinations.flatMap((point) => distribution.values.map((value) => ({ ...point, [name]: value })))
				: combinations,
		[{}],
	);
	const repeated = points.flatMap((point) => Array.from({ length: samples }, () => point));
	return repeated.map((point, trial) =>
		Object.fromEntries(
			Object.entries(space).map(([name, distribution]) => [
				name,
				point[name] ?? draw(distribution, seedrandom(`${seed}/${trial}/${name}`)),
			]),
		),
	);
}

/** Returns the values to validate: all of a list, or the bounds of a range. */
export function extremesOf(distribution: Distribution | Value): Value[] {
	if (typeof distribution !== "object") return [distribution];
	if (distribution.type === "choice") return distribution.choices;
	if (distribution.type === "grid") return distribution.values;
	return [distribution.low, distribution.high];
}

const isGrid = (distribution: Distribution | Value): distribution is Distribution & { type: "grid" } =>
	typeof distribution === "object" && distribution.type === "grid";

function draw(distribution: Distribution | Value, random: () => number): Value {
	if (typeof distribution !== "object") return distribution;
	const { type } = distribution;
	if (type === "grid") throw new Error("a grid is not drawn");
	if (type === "choice") return distribution.choices[Math.floor(random() * distribution.choices.length)];
	const { low, high } = distribution;
	if (type === "loguniform") return low * (high / low) ** random();
	if (type === "uniform") {
		const { step } = distribution;
		return step === undefined ? low + (high - low) * random() : stepped(low, high, step, random());
	}
	const { step = 1, log = false } = distribution;
	// As in Optuna an integer n stands for the interval from n − 0.5 to n + 0.5 of the logarithmic range.
	if (log) return Math.min(high, Math.max(low, Math.round((low - 0.5) * ((high + 0.5) / (low - 0.5)) ** random())));
	return stepped(low, high, step, random());
}

/** Maps a random number, 0–1, to a multiple of `step` from `low`. */
function stepped(low: number, high: number, step: number, random: number): number {
	const count = Math.floor((high - low) / step + 1e-9) + 1;
	// 0.1 + 2 * 0.1 is 0.30000000000000004: rounding gives 0.3.
	return Number((low + step * Math.floor(random * count)).toPrecision(12));
}

function check(name: string, distribution: Distribution | Value): void {
	const problem = problemOf(distribution);
	if (problem) throw new Error(`${name} in the space: ${problem}`);
}

/** Validates a distribution, which can come from a JSON file; returns null when it is valid. */
function problemOf(distribution: Distribution | Value): string | null {
	if (["number", "string", "boolean"].includes(typeof distribution)) return null;
	const { type, low, high, step, log, choices, values } = (distribution ?? {}) as Record<string, unknown>;
	if (type === "choice" || type === "grid") {
		const list = type === "choice" ? choices : values;
		const field = type === "choice" ? "choices" : "values";
		return Array.isArray(list) && list.length > 0 ? null : `${field} is empty: expected a list of values`;
	}
	if (!["uniform", "loguniform", "int"].includes(type as string)) {
		return `its type is ${JSON.stringify(type)}: expected "uniform", "loguniform", "int", "choice" or "grid"`;
	}
	if (typeof low !== "number" || typeof high !== "number" || !(low <= high)) {
		return `expected numbers low ≤ high, not ${low} and ${high}`;
	}
	if (type === "int" && !(Number.isInteger(low) && Number.isInteger(high))) return "low and high must be whole numbers";
	if ((type === "loguniform" || log) && low <= 0)
		return `low is ${low}: expected a number above 0 in a logarithmic range`;
	if (step !== undefined && !((step as number) > 0)) return `step is ${step}: expected a number above 0`;
	return null;
}
