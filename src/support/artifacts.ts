// JSON files that one notebook leaves for the next.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "./files";

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
 * @returns the value, or `null` when the file is missing or is not JSON
 */
export function loadArtifact<T>(artifacts: string, name: string): T | null {
	try {
		return JSON.parse(readFileSync(join(artifacts, `${name}.json`), "utf8")) as T;
	} catch {
		return null;
	}
}
