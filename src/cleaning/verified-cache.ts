// Remembers which files passed verification.
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../support/files";

/** The files of a folder that passed. */
export interface VerifiedFiles {
	/** Whether a file passed, and has had the same inode, size and time of change since. */
	has(path: string): boolean;
	/** Notes that a file passed. */
	add(path: string): void;
	/** Writes down what was noted, and forgets files that were not asked for: they are gone. */
	save(): void;
}

/** To be raised when files are judged in another way. */
const VERSION = 1;
/** So many new keys are written at a time, for runs that are killed. */
const UNSAVED = 4096;

/**
 * Opens what is remembered of a folder, in `$XDG_CACHE_HOME` (by default `~/.cache`). A file is known by a number of
 * eight bytes, so that a million need eight megabytes.
 *
 * @param directory the folder that is cleaned
 */
export function verifiedFiles(directory: string): VerifiedFiles {
	const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "image-classification-notebooks");
	const file = join(folder, `verified-${numberOf(`${VERSION}:${realpathSync(directory)}`).toString(36)}`);
	const known = read(file).sort();
	const passed: number[] = [];
	let unsaved: number[] = [];
	const append = () => {
		attempt(() => {
			mkdirSync(folder, { recursive: true });
			appendFileSync(file, bytesOf(unsaved));
		});
		unsaved = [];
	};
	return {
		has(path) {
			const key = keyOf(path);
			if (!includes(known, key)) return false;
			passed.push(key);
			return true;
		},
		add(path) {
			const key = keyOf(path);
			passed.push(key);
			if (unsaved.push(key) === UNSAVED) append();
		},
		save() {
			append();
			attempt(() => {
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

/** What is remembered only saves time: a folder that cannot be written, or a full disk, is no reason to stop. */
function attempt(work: () => void): void {
	try {
		work();
	} catch {}
}

/** `NaN`, which equals nothing, for a file that is not there. */
function keyOf(path: string): number {
	const file = statSync(path, { throwIfNoEntry: false });
	return file ? numberOf(`${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`) : Number.NaN;
}

function numberOf(text: string): number {
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
