// Goes through the files of a folder.
import { opendirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { isQuarantine } from "../cleaning/quarantine";
import { IMAGE_EXTENSIONS } from "../datasets/dataset";

/** All files in a folder, one by one, so that a million names need no memory. Links to folders are not followed. */
export function* filesIn(directory: string): Generator<string> {
	const folder = opendirSync(directory);
	try {
		for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
			const path = join(directory, entry.name);
			if (!entry.isDirectory()) yield path;
			else if (!isQuarantine(path)) yield* filesIn(path);
		}
	} finally {
		folder.closeSync();
	}
}

/** @throws with what was to be done to it, when it is not there or no folder */
export function requireFolder(directory: string, what: string): void {
	const entry = statSync(directory, { throwIfNoEntry: false });
	if (entry?.isDirectory()) return;
	throw new Error(`cannot ${what} ${directory}: ${entry ? "it is not a folder" : "there is no such folder"}`);
}

/** How many there are. */
export function count(items: Iterable<unknown>): number {
	let total = 0;
	for (const _ of items) total++;
	return total;
}

/** A file's ending in lower case, for example `".jpg"`. */
export const endingOf = (path: string) => extname(path).toLowerCase();

/** Whether training reads files with this ending. */
export const isRead = (path: string) => IMAGE_EXTENSIONS.includes(endingOf(path));
