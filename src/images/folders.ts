// The folder layout of a data set: splits, image files, quarantine folders.
import { existsSync, opendirSync, readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { IMAGE_EXTENSIONS } from "./formats";

export const QUARANTINE = "quarantine";
export const QUARANTINE_MANIFEST = "manifest.jsonl";

/** Whether a folder holds quarantines, whose files are nobody's data any more. */
export function isQuarantine(folder: string): boolean {
	return (
		basename(folder) === QUARANTINE &&
		readdirSync(folder).some((name) => existsSync(join(folder, name, QUARANTINE_MANIFEST)))
	);
}

/** The folders of a data set, as the pipeline names them. */
export const SPLITS = ["train", "valid", "test"];

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

/** A file's ending in lower case, for example `".jpg"`. */
export const extensionOf = (path: string) => extname(path).toLowerCase();

/** Whether training reads files with this ending. */
export const isImageFile = (path: string) => IMAGE_EXTENSIONS.includes(extensionOf(path));
