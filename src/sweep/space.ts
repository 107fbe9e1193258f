// Search spaces and sampling of trials.
import seedrandom from "seedrandom";

export type Value = number | string | boolean;

/** How one hyperparameter is chosen. */
export type Distribution =
	| { type: "uniform"; low: number; high: number; step?: number }
	| { type: "loguniform"; low: number; high: number }
	| { type: "int"; low: number; high: number; step?: number; log?: boolean }
	| { type: "choice"; choices: Value[] }
	| { type: "grid"; values: Value[] };

/** The hyperparameters by name: chosen, or a value that is the same in all trials. */
export type Space = Record<string, Distribution | Value>;

/** Any number from `low` to `high`, or only every `step` from `low` (Optuna's `suggest_float`). */
export const uniform = (low: number, high: number, step?: number): Distribution => ({
	type: "uniform",
	low,
	high,
	...(step === undefined ? {} : { step }),
});

/** A number from `low` to `high`, each power of ten as likely as another (`suggest_float(log=True)`). */
export const logUniform = (low: number, high: number): Distribution => ({ type: "loguniform", low, high });

/** A whole number from `low` to `high`, both included (`suggest_int`). */
export const integer = (low: number, high: number, options: { step?: number; log?: boolean } = {}): Distribution => ({
	type: "int",
	low,
	high,
	...options,
});

/** One of a list, each as likely as another (`suggest_categorical`). */
export const choice = (...choices: Value[]): Distribution => ({ type: "choice", choices });

/** Each of a list in turn, with all combinations of the other grids (`GridSampler`). */
export const grid = (...values: Value[]): Distribution => ({ type: "grid", values });

/**
 * The trials of a space: for each point of its grids `samples` draws of the rest.
 *
 * A trial's values follow from the seed, its number and their names alone: not from who asks, nor in which order.
 *
 * @param samples default 1
 * @param seed default 42
 * @throws when a distribution is empty, the wrong way round or unknown
 */
export function trialsOf(space: Space, { samples = 1, seed = 42 } = {}): Record<string, Value>[] {
	for (const [name, distribution] of Object.entries(space)) check(name, distribution);
	const points = Object.entries(space).reduce<Record<string, Value>[]>(
		(known, [name, distribution]) =>
			isGrid(distribution)
				? known.flatMap((point) => distribution.values.map((value) => ({ ...point, [name]: value })))
				: known,
		[{}],
	);
	const all = points.flatMap((point) => Array.from({ length: samples }, () => point));
	return all.map((point, trial) =>
		Object.fromEntries(
			Object.entries(space).map(([name, distribution]) => [
				name,
				point[name] ?? draw(distribution, seedrandom(`${seed}/${trial}/${name}`)),
			]),
		),
	);
}

/** The values of a list, or the ends of a range: what all other values lie between. */
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
	// As in Optuna each whole number has its share of the logarithmic range, from half below it to half above.
	if (log) return Math.min(high, Math.max(low, Math.round((low - 0.5) * ((high + 0.5) / (low - 0.5)) ** random())));
	return stepped(low, high, step, random());
}

function stepped(low: number, high: number, step: number, share: number): number {
	const count = Math.floor((high - low) / step + 1e-9) + 1;
	// 0.1 + 2 * 0.1 is 0.30000000000000004, which nobody asked for.
	return Number((low + step * Math.floor(share * count)).toPrecision(12));
}

function check(name: string, distribution: Distribution | Value): void {
	const wrong = problem(distribution);
	if (wrong) throw new Error(`${name} in the space: ${wrong}`);
}

/** What is wrong with a distribution, which can come from a file; null when nothing is. */
function problem(distribution: Distribution | Value): string | null {
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
	if ((type === "loguniform" || log) && low <= 0) return `low is ${low}: a logarithmic range lies above 0`;
	if (step !== undefined && !((step as number) > 0)) return `step is ${step}: expected a number above 0`;
	return null;
}
