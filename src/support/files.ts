// The cache folder, reads of regular files only, atomic writes, existence checks, folder checks and content hashes.
import { createHash } from "node:crypto";
import {
	closeSync,
	constants,
	fstatSync,
	lstatSync,
	mkdirSync,
	openSync,
	readSync,
	renameSync,
	rmSync,
	type Stats,
	statSync,
	writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { printable } from "./text";
import { writeError } from "./writing";

/** Returns the folder of this project's caches in `$XDG_CACHE_HOME`, by default `~/.cache`. It may not exist. */
export function cacheFolder(): string {
	return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "image-classification-notebooks");
}

/** Returns whether a path exists; unlike `existsSync`, also true for a broken symbolic link. */
export function pathExists(path: string): boolean {
	try {
		return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
	} catch {
		return false; // for example a name that is too long
	}
}

/**
 * Returns the path of a name in a folder, for names that are made of data.
 *
 * @throws when the path lies outside of the folder
 */
export function pathInside(folder: string, name: string): string {
	const path = resolve(folder, name);
	if (path.startsWith(`${resolve(folder)}${sep}`)) return path;
	throw new Error(`${printable(path)} lies outside of ${folder}`);
}

/**
 * Returns what a path leads to, links followed; `null` when it leads nowhere. Unlike `statSync` with `throwIfNoEntry`, it
 * does not throw for a link to itself, a name that is too long or a folder without permission.
 */
export function statOrNull(path: string): Stats | null {
	try {
		return statSync(path, { throwIfNoEntry: false }) ?? null;
	} catch {
		return null;
	}
}

/**
 * Returns a text that changes when a file changes or is replaced, without reading it: inode, size, modification and change
 * time. `null` when the path leads nowhere.
 */
export function versionOfFile(path: string): string | null {
	const file = statOrNull(path);
	// The change time too: tools that replace a file can keep its modification time.
	return file && [file.dev, file.ino, file.size, file.mtimeMs, file.ctimeMs].join(":");
}

/** The size of the largest file that is read, in bytes: 1 GiB. */
export const MAX_FILE_BYTES = 2 ** 30;

/** Returns whether a path leads to a regular file of at most `MAX_FILE_BYTES`. Reading a pipe or a device may never end. */
export function isReadable(path: string): boolean {
	const file = statOrNull(path);
	return file?.isFile() === true && file.size <= MAX_FILE_BYTES;
}

/**
 * Reads a file of at most `MAX_FILE_BYTES`.
 *
 * @throws when it is a pipe, a device or a folder, is larger, or cannot be read
 */
export const readRegularFile = (path: string): Promise<Buffer> => withRegularFile(path, (file) => file.readFile());

/** Returns the SHA-256 of a file's content, in hexadecimal digits; throws as `readRegularFile` does. */
export async function sha256OfFile(path: string): Promise<string> {
	const hash = createHash("sha256");
	const file = openSync(path, READING);
	try {
		requireRegular(path, fstatSync(file));
		// Synchronous reads take a third of the time for files of the size of images.
		for (let bytes = chunk.length; bytes === chunk.length; await setImmediate()) {
			bytes = readSync(file, chunk);
			hash.update(chunk.subarray(0, bytes));
		}
	} finally {
		closeSync(file);
	}
	return hash.digest("hex");
}

const chunk = Buffer.alloc(2 ** 20);
/** Without blocking: opening a pipe would wait for a writer. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK;

/** Waits until a file's content is on the disk: a loss of power leaves it whole. */
export const flushFile = (path: string): Promise<void> => withRegularFile(path, (file) => file.sync());

async function withRegularFile<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
	const file = await open(path, READING);
	try {
		requireRegular(path, await file.stat());
		return await read(file);
	} finally {
		await file.close();
	}
}

function requireRegular(path: string, stats: Stats): void {
	if (!stats.isFile()) throw new Error(`${path} is not a regular file`);
	if (stats.size > MAX_FILE_BYTES) throw new Error(`${path} has ${stats.size} bytes: more than ${MAX_FILE_BYTES}`);
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
	const entry = statOrNull(directory);
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
		writeFileSync(temporary, content, { flush: true });
		renameSync(temporary, file);
	} catch (error) {
		rmSync(temporary, { force: true });
		throw writeError(file, error, Buffer.byteLength(content));
	}
}
