// Atomic writes, existence checks, folder checks and content hashes.
import { createHash } from "node:crypto";
import { createReadStream, lstatSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Unlike `existsSync`, also true for a link that leads nowhere. */
export const pathExists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The SHA-256 of a file's content, in hexadecimal digits. */
export async function sha256OfFile(path: string): Promise<string> {
	const hash = createHash("sha256");
	for await (const bytes of createReadStream(path)) hash.update(bytes);
	return hash.digest("hex");
}

/** A name for anything that JSON can hold. */
export const hashOfJson = (value: unknown) =>
	createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** @throws with what was to be done to it, when it is not there or no folder */
export function requireFolder(directory: string, what: string): void {
	const entry = statSync(directory, { throwIfNoEntry: false });
	if (entry?.isDirectory()) return;
	throw new Error(`cannot ${what} ${directory}: ${entry ? "it is not a folder" : "there is no such folder"}`);
}

/**
 * Writes a file, and the folder for it, whole or not at all: one that was there before is left as it was.
 *
 * @throws when it cannot be written, as on a full disk
 */
export function writeFileAtomically(file: string, content: string | Uint8Array): void {
	try {
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(`${file}.part`, content);
		renameSync(`${file}.part`, file);
	} catch (error) {
		rmSync(`${file}.part`, { force: true });
		throw new Error(`${file} cannot be written: ${(error as Error).message}`);
	}
}
