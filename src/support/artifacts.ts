// What one notebook leaves for the next and for the report: small JSON files in the artifacts folder.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Writes `value` as `<artifacts>/<name>.json`, whole or not at all.
 *
 * @param artifacts the artifacts folder; made if it is not there
 * @param name the file's name without its ending, for example `"training"`
 * @param value anything that JSON can hold
 */
export function saveArtifact(artifacts: string, name: string, value: unknown): void {
	writeWhole(join(artifacts, `${name}.json`), JSON.stringify(value, null, "\t"));
}

/**
 * Writes a file, and the folder for it, whole or not at all: one that was there before is left as it was.
 *
 * @throws when it cannot be written, as on a full disk
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
	try {
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(`${file}.part`, content);
		renameSync(`${file}.part`, file);
	} catch (error) {
		rmSync(`${file}.part`, { force: true });
		throw new Error(`${file} cannot be written: ${(error as Error).message}`);
	}
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
