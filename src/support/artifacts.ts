// JSON files that one notebook leaves for the next.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isReadable, pathExists, writeFileAtomically } from "./files";
import { type Schema, validated } from "./schema";
import { printable } from "./text";

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
 * @param schema a rule for each field that is needed. Default: any JSON
 * @returns the value, or `null` when the file is missing
 * @throws when the file is damaged: unreadable, not JSON, or against the rules
 */
export function readArtifact<T>(artifacts: string, name: string, schema?: Schema<T>): T | null {
	const file = join(artifacts, `${name}.json`);
	if (!pathExists(file)) return null;
	try {
		if (!isReadable(file)) throw new Error("it is not a regular file, or too large");
		const value = JSON.parse(readFileSync(file, "utf8"));
		if (schema) validated(value, schema);
		return value as T;
	} catch (error) {
		// The parser's message quotes the file, control characters included.
		const reason = error instanceof SyntaxError ? "it is no JSON" : (error as Error).message;
		throw new Error(`${file} is damaged or of an earlier version (${reason})`);
	}
}

/**
 * Reads an artifact that can be done without. Damage is reported in a line.
 *
 * @param schema a rule for each field that is needed. Default: any JSON
 * @param remedy the end of that line. Default: `"it is made again"`
 * @returns the value, or `null` when the file is missing or damaged
 */
export function loadArtifact<T>(
	artifacts: string,
	name: string,
	schema?: Schema<T>,
	remedy = "it is made again",
): T | null {
	try {
		return readArtifact<T>(artifacts, name, schema);
	} catch (error) {
		console.log(printable(`${(error as Error).message}: ${remedy}`));
		return null;
	}
}
