// JSON files that one notebook leaves for the next.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "./files";

/**
 * Writes `value` as `<artifacts>/<name>.json`, whole or not at all.
 *
 * @param artifacts the artifacts folder; made if it is not there
 * @param name the file's name without its ending, for example `"training"`
 * @param value anything that JSON can hold
 */
export function saveArtifact(artifacts: string, name: string, value: unknown): void {
	writeFileAtomically(join(artifacts, `${name}.json`), JSON.stringify(value, null, "\t"));
}

/**
 * Reads what `saveArtifact` wrote.
 *
 * @returns the value, or `null` when nothing (or nothing readable) is there
 */
export function loadArtifact<T>(artifacts: string, name: string): T | null {
	try {
		return JSON.parse(readFileSync(join(artifacts, `${name}.json`), "utf8")) as T;
	} catch {
		return null;
	}
}
