// Atomic writes, existence checks, folder checks and content hashes.
import { createHash } from "node:crypto";
import { createReadStream, lstatSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeError } from "./writing";

/** Returns whether a path exists; unlike `existsSync`, also true for a broken symbolic link. */
export const pathExists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Returns the SHA-256 of a file's content, in hexadecimal digits. */
export async function sha256OfFile(path: string): Promise<string> {
	const hash = createHash("sha256");
	for await (const bytes of createReadStream(path)) hash.update(bytes);
	return hash.digest("hex");
}

/** Returns the first 16 hexadecimal digits of the SHA-256 of a value's JSON. */
export const hashOfJson = (value: unknown) =>
	createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/**
 * Checks that a folder exists.
 *
 * @param action the verb of the message, for example `"clean"`
 * @throws when there is no such folder, or the path is a file
 */
export function requireFolder(directory: string, action: string): void {
	const entry = statSync(directory, { throwIfNoEntry: false });
	if (entry?.isDirectory()) return;
	throw new Error(`cannot ${action} ${directory}: ${entry ? "it is not a folder" : "there is no such folder"}`);
}

/**
 * Writes a file atomically, and creates its folder. An existing file is replaced as a whole, or stays unchanged.
 *
 * @throws when it cannot be written, for example because the disk is full
 */
export function writeFileAtomically(file: string, content: string | Uint8Array): void {
	// A name of this process: others may be writing the same file.
	const temporary = `${file}.${process.pid}.part`;
	try {
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(temporary, content);
		renameSync(temporary, file);
	} catch (error) {
		rmSync(temporary, { force: true });
		throw writeError(file, error, Buffer.byteLength(content));
	}
}
