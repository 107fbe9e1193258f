// JSON files that one notebook leaves for the next, and the check of what is read.
import { join } from "node:path";
import { readRegularFile, writeFileAtomically } from "./files";

/**
 * Shape of a JSON value: types separated by `|`, a list of values of one shape, an object with at least the given fields,
 * or an object with fields of any names (`"*"`).
 */
export type Shape = string | readonly [Shape] | { readonly [field: string]: Shape };

/**
 * Writes `value` as `<artifacts>/<name>.json`, atomically.
 *
 * @param artifacts the artifacts folder; created if missing
 * @param name the file's name without its extension, for example `"training"`
 * @param value anything that JSON can hold
 * @throws when the file cannot be written
 */
export function saveArtifact(artifacts: string, name: string, value: unknown): void {
	writeFileAtomically(join(artifacts, `${name}.json`), JSON.stringify(value, null, "\t"));
}

/**
 * Reads the artifact that `saveArtifact` wrote.
 *
 * @param shape what the value must be like. Default: anything
 * @returns the value, or `null` when the file is missing
 * @throws when the file is damaged: unreadable, not JSON, or of another shape
 */
export function readArtifact<T>(artifacts: string, name: string, shape?: Shape): T | null {
	const file = join(artifacts, `${name}.json`);
	const damaged = (reason: string) => new Error(`${file} is damaged or of an earlier version (${reason})`);
	let value: unknown;
	try {
		value = JSON.parse(readRegularFile(file).toString());
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		// The parser's message quotes the file, control characters included.
		throw damaged(error instanceof SyntaxError ? "not JSON" : (error as Error).message);
	}
	const problem = shape && mismatch(value, shape, name);
	if (problem) throw damaged(problem);
	return value as T;
}

/**
 * Reads an artifact that can be done without. Damage is reported in a line.
 *
 * @param shape what the value must be like. Default: anything
 * @param remedy the end of that line. Default: `"it is made again"`
 * @returns the value, or `null` when the file is missing or damaged
 */
export function loadArtifact<T>(artifacts: string, name: string, shape?: Shape, remedy = "it is made again"): T | null {
	try {
		return readArtifact<T>(artifacts, name, shape);
	} catch (error) {
		console.log(`${(error as Error).message}: ${remedy}`);
		return null;
	}
}

/** Returns what of a JSON value is not as expected, with its name; null when it has the shape. */
function mismatch(value: unknown, shape: Shape, name: string): string | null {
	if (typeof shape === "string") {
		const type = value === null ? "null" : typeof value;
		return shape.split("|").includes(type) ? null : `${name} is ${type}, expected ${shape}`;
	}
	const isList = Array.isArray(shape);
	if (typeof value !== "object" || value === null || Array.isArray(value) !== isList)
		return `${name} is ${value === null ? "null" : typeof value}, expected ${isList ? "a list" : "an object"}`;
	const fields = value as Record<string, unknown>;
	const expected = Object.entries(shape).flatMap(([field, inner]: [string, Shape]) =>
		isList || field === "*" ? Object.keys(fields).map((key) => [key, inner] as const) : [[field, inner] as const],
	);
	for (const [field, inner] of expected) {
		const problem = mismatch(Object.hasOwn(fields, field) ? fields[field] : undefined, inner, `${name}.${field}`);
		if (problem) return problem;
	}
	return null;
}
