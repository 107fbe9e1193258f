// What one notebook leaves for the next and for the report: small JSON files in the artifacts folder.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes `value` as `<artifacts>/<name>.json`, whole or not at all.
 *
 * @param artifacts the artifacts folder; made if it is not there
 * @param name the file's name without its ending, for example `"training"`
 * @param value anything that JSON can hold
 */
export function saveArtifact(artifacts: string, name: string, value: unknown): void {
	mkdirSync(artifacts, { recursive: true });
	const file = join(artifacts, `${name}.json`);
	writeFileSync(`${file}.part`, JSON.stringify(value, null, "\t"));
	renameSync(`${file}.part`, file);
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
