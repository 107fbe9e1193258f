// Remembers which files passed verification.
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, versionOfFile, writeFileAtomically } from "../support/files";

/** The files of a folder that passed verification. */
export interface VerifiedFiles {
	/** Returns whether a file passed and has the same inode, size, modification and change time since. */
	has(path: string): boolean;
	/** Adds a file that passed. */
	add(path: string): void;
	/** Writes the cache. Files that neither `has` nor `add` was called with no longer exist, and are dropped. */
	save(): void;
}

/** Part of the cache's file name. To be increased when verification changes. */
const VERSION = 2;
/** The number of new keys after which they are appended to the file, so that a run that is killed keeps them. */
const FLUSH_INTERVAL = 4096;

/**
 * Opens the cache of a folder, in `cacheFolder()`. It holds a hash of eight bytes for each file: a
 * million files need eight megabytes.
 *
 * @param directory the cleaned folder
 */
export function verifiedFiles(directory: string): VerifiedFiles {
	const folder = cacheFolder();
	const file = join(folder, `verified-${hashNumber(`${VERSION}:${realpathSync(directory)}`).toString(36)}`);
	const saved = read(file).sort();
	const passed: number[] = [];
	let unsaved: number[] = [];
	const append = () => {
		ignoreErrors(() => {
			mkdirSync(folder, { recursive: true });
			appendFileSync(file, bytesOf(unsaved));
		});
		unsaved = [];
	};
	return {
		has(path) {
			const key = keyOf(path);
			if (!includes(saved, key)) return false;
			passed.push(key);
			return true;
		},
		add(path) {
			const key = keyOf(path);
			passed.push(key);
			if (unsaved.push(key) === FLUSH_INTERVAL) append();
		},
		save() {
			append();
			ignoreErrors(() => {
				writeFileAtomically(file, bytesOf(passed));
			});
		},
	};
}

function read(file: string): Float64Array {
	try {
		const bytes = readFileSync(file);
		return new Float64Array(new Uint8Array(bytes).buffer, 0, Math.floor(bytes.length / 8));
	} catch {
		return new Float64Array();
	}
}

const bytesOf = (keys: number[]) => new Uint8Array(Float64Array.from(keys).buffer);

/** The cache only saves time: cleaning continues when its folder cannot be written, or the disk is full. */
function ignoreErrors(work: () => void): void {
	try {
		work();
	} catch {}
}

/** Returns the key of a file; `NaN`, which equals no key, when it does not exist. */
function keyOf(path: string): number {
	const version = versionOfFile(path);
	return version === null ? Number.NaN : hashNumber(version);
}

/** Returns the first 48 bits of the SHA-1 of a text. */
function hashNumber(text: string): number {
	return createHash("sha1").update(text).digest().readUIntBE(0, 6);
}

/** Binary search. */
function includes(sorted: Float64Array, value: number): boolean {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (sorted[middle] < value) low = middle + 1;
		else high = middle;
	}
	return sorted[low] === value;
}
