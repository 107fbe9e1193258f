// The folder layout of a data set: splits, image files, quarantine folders.
import { existsSync, opendirSync, readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { IMAGE_EXTENSIONS } from "./formats";

/** The name of folders with quarantined files, and of the manifest in each. */
export const QUARANTINE = "quarantine";
export const QUARANTINE_MANIFEST = "manifest.jsonl";

/** Returns whether a folder is a quarantine; its files are not part of the data set. */
export function isQuarantine(folder: string): boolean {
	return (
		basename(folder) === QUARANTINE &&
		readdirSync(folder).some((name) => existsSync(join(folder, name, QUARANTINE_MANIFEST)))
	);
}

/** The splits of a data set: the names of their folders. */
export const SPLITS = ["train", "valid", "test"];

/**
 * Yields the paths of all files in a folder and its subfolders, without quarantines, one by one: a million names need no
 * memory. Links to folders are not followed.
 */
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

/** Returns a file's extension in lower case, for example `".jpg"`; `""` if it has none. */
export const extensionOf = (path: string) => extname(path).toLowerCase();

/** Returns whether training reads a file, by its extension. */
export const isImageFile = (path: string) => IMAGE_EXTENSIONS.includes(extensionOf(path));
