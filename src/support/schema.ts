// Validates data that comes from outside: messages, and files that others can have changed.
import { printable } from "./text";

/** A rule for a value: returns what was expected, or null when the value is valid. */
export type Rule = (value: unknown) => string | null;

/** A rule for each field. */
export type Schema<T> = { [field in keyof T]-?: Rule };

const rule =
	(expected: string, isValid: (value: unknown) => boolean): Rule =>
	(value) =>
		isValid(value) ? null : expected;

/** Accepts whole numbers from `low` to `high`, both included. */
export const integer = (low: number, high: number): Rule =>
	rule(
		`a whole number from ${low} to ${high}`,
		(value) => Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high,
	);

/** Accepts finite numbers from `low` to `high`, both included. */
export const number = (low: number, high: number): Rule =>
	rule(
		`a number from ${low} to ${high}`,
		(value) => Number.isFinite(value) && (value as number) >= low && (value as number) <= high,
	);

/** Accepts texts of at most `length` characters. */
export const text = (length: number): Rule =>
	rule(`a text of at most ${length} characters`, (value) => typeof value === "string" && value.length <= length);

/** Accepts texts that match a pattern. */
export const matching = (pattern: RegExp, expected: string): Rule =>
	rule(expected, (value) => typeof value === "string" && value.length < 1000 && pattern.test(value));

/** Accepts some values only. */
export const oneOf = (...values: unknown[]): Rule =>
	rule(`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`, (value) => values.includes(value));

/** Accepts null, and what another rule accepts. */
export const orNull =
	(accepts: Rule): Rule =>
	(value) => {
		const expected = value === null ? null : accepts(value);
		return expected && `null or ${expected}`;
	};

/** Accepts a missing field, and what another rule accepts. */
export const optional =
	(accepts: Rule): Rule =>
	(value) =>
		value === undefined ? null : accepts(value);

/** Accepts lists of items that another rule accepts. */
export const listOf =
	(accepts: Rule): Rule =>
	(value) =>
		Array.isArray(value) ? firstProblem(value, accepts, "a list, each item") : "a list";

/** Accepts objects with fields of any names, whose values another rule accepts. */
export const mapOf =
	(accepts: Rule): Rule =>
	(value) =>
		isRecord(value) ? firstProblem(Object.values(value), accepts, "an object, each value") : "an object";

/** Accepts objects with fields of a schema. */
export const objectOf =
	<T>(schema: Schema<T>): Rule =>
	(value) => {
		if (!isRecord(value)) return "an object";
		const names = Object.keys(schema) as (keyof T & string)[];
		const problem = names.find((name) => schema[name](Object.hasOwn(value, name) ? value[name] : undefined));
		return problem ? `an object, its ${problem} ${schema[problem](value[problem])}` : null;
	};

function firstProblem(values: unknown[], accepts: Rule, what: string): string | null {
	const problem = values.map(accepts).find((expected) => expected !== null);
	return problem ? `${what} ${problem}` : null;
}

/** Accepts objects, whatever their fields are. */
export const record: Rule = (value) => (isRecord(value) ? null : "an object");

/** Whether a value is an object, and neither null nor a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Validates an object's own fields, and returns a copy with the fields of the schema only.
 *
 * @throws with the first field that is not valid, its value and what was expected
 */
export function validated<T>(value: unknown, schema: Schema<T>): T {
	if (!isRecord(value)) throw new Error(`it is ${shown(value)}: expected an object`);
	const fields = Object.entries<Rule>(schema).map(([name, accepts]) => {
		const field = Object.hasOwn(value, name) ? value[name] : undefined;
		const expected = accepts(field);
		if (expected) throw new Error(`${name} is ${shown(field)}: expected ${expected}`);
		return [name, field];
	});
	return Object.fromEntries(fields.filter(([, field]) => field !== undefined)) as T;
}

/** Reads JSON. @throws when it is longer than `length` characters, or no JSON */
export function parsedJson(json: string, length = 1_000_000): unknown {
	if (json.length > length) throw new Error(`it has ${json.length} characters: expected at most ${length}`);
	try {
		return JSON.parse(json);
	} catch {
		throw new Error(`it is no JSON: ${shown(json)}`);
	}
}

/** Returns a value as text for a message: one line, short whatever the value is. */
export function shown(value: unknown): string {
	if (value === undefined) return "missing";
	if (Array.isArray(value)) return `a list of ${value.length}`;
	if (isRecord(value)) return "an object";
	if (typeof value !== "string") return String(value);
	return printable(JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value));
}
