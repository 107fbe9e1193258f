// The folder layout of a data set: splits, class folders, image files, quarantine folders.
//
// Cleaning, the issue search, data sets, prediction and fingerprints find images through these functions, so that what one
// of them reads the others know.
import { type Dirent, existsSync, opendirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { pathExists, statOrNull } from "../support/files";
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
export const SPLITS = ["train", "valid", "test"] as const;
export type Split = (typeof SPLITS)[number];

/** The splits that training reads. */
export const TRAINING_SPLITS = ["train", "valid"] as const satisfies readonly Split[];

/** Other names of split folders that are understood. */
export const SPLIT_ALIASES: Record<string, string[]> = { valid: ["val", "validation"] };

/**
 * Returns the folder of a split, which may have another name: `val` or `validation` for `valid`.
 *
 * @param dataset the folder with the splits
 * @throws when there are two of them
 */
export function splitFolder(dataset: string, split: string): string {
	const found = [split, ...(SPLIT_ALIASES[split] ?? [])].filter((name) =>
		statOrNull(join(dataset, name))?.isDirectory(),
	);
	if (found.length > 1) throw new Error(`${dataset} has the folders ${found.join(" and ")}: keep one of them`);
	return join(dataset, found[0] ?? split);
}

/** Returns the usual name of a folder that is called as a split. */
export const splitOf = (folder: string): Split | undefined =>
	SPLITS.find((name) => [name, ...(SPLIT_ALIASES[name] ?? [])].includes(basename(folder)));

/** Returns a folder, or if it is missing and has the name of a split, that split's folder of another name. */
export function resolveSplit(directory: string): string {
	if (statOrNull(directory)) return directory;
	const split = splitOf(directory);
	const folder = split && splitFolder(dirname(directory), split);
	return folder && statOrNull(folder) ? folder : directory;
}

/** The folder of images that have no label yet, beside the splits. */
export const UNLABELLED = "unlabelled";

/** Returns the images of a data set's `unlabelled` folder, in any folders below it, in the order of their paths. */
export function unlabelledImages(dataset: string): string[] {
	const folder = join(dataset, UNLABELLED);
	return statOrNull(folder)?.isDirectory() ? [...filesIn(folder)].filter(isImageFile).sort() : [];
}

/** Names of folders that tools leave beside images. */
const HELPER_FOLDERS = ["@eaDir", "__MACOSX"];

/** Returns whether a file or folder of this name is not part of a data set: hidden, or a tool's, as `.ipynb_checkpoints`. */
export const isHidden = (name: string) => name.startsWith(".") || HELPER_FOLDERS.includes(name);

/** Options of `filesIn`. */
export interface WalkOptions {
	/** Whether to follow symbolic links to folders below the class folders. Default false. */
	followLinks?: boolean;
}

/**
 * Returns the class folders of a directory, in no particular order. As in Keras links to folders are class folders too;
 * hidden and helper folders and quarantines are not.
 *
 * @throws the system's error when the directory cannot be read
 */
export function classFolders(directory: string): string[] {
	return readdirSync(directory, { withFileTypes: true })
		.filter((entry) => isPart(directory, entry) && isFolderToRead(directory, entry, true, [inodeOf(directory)]))
		.map(({ name }) => name);
}

/**
 * Yields the paths of all files in a folder and its subfolders, one by one: a million names need no memory. Links to folders
 * are followed directly in `directory`, where they are class folders; below it only with `followLinks`. Hidden files, hidden
 * and helper folders and quarantines are left out.
 *
 * A file whose name is not UTF-8 is yielded by a path under which it cannot be opened, see `isUnopenable`.
 *
 * @throws the system's error when a folder cannot be read; an error when a folder's name is not UTF-8
 */
export function* filesIn(directory: string, { followLinks = false }: WalkOptions = {}): Generator<string> {
	yield* walk(directory, followLinks, []);
}

function* walk(directory: string, followLinks: boolean, above: string[]): Generator<string> {
	const ancestors = [...above, inodeOf(directory)];
	const folder = opendirSync(directory);
	try {
		for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
			if (!isPart(directory, entry)) continue;
			const path = join(directory, entry.name);
			if (isFolderToRead(directory, entry, followLinks || above.length === 0, ancestors)) {
				yield* walk(path, followLinks, ancestors);
			} else if (!isFolder(path, entry)) yield path;
		}
	} finally {
		folder.closeSync();
	}
}

/** @throws when a folder's name is not UTF-8: nothing in it can be opened */
function isPart(directory: string, entry: Dirent): boolean {
	if (isHidden(entry.name)) return false;
	if (entry.isDirectory() && isUnopenable(join(directory, entry.name)))
		throw new Error(`${join(directory, entry.name)}: the folder's name is not UTF-8; rename it`);
	return true;
}

const isFolder = (path: string, entry: Dirent) =>
	entry.isDirectory() || (entry.isSymbolicLink() && statOrNull(path)?.isDirectory() === true);

function isFolderToRead(directory: string, entry: Dirent, followLinks: boolean, ancestors: string[]): boolean {
	const path = join(directory, entry.name);
	if (!isFolder(path, entry) || isQuarantine(path)) return false;
	// A link to a folder above would be read without end.
	return entry.isDirectory() || (followLinks && !ancestors.includes(inodeOf(path)));
}

function inodeOf(folder: string): string {
	const { dev, ino } = statSync(folder);
	return `${dev}:${ino}`;
}

/**
 * Returns whether a path that was listed cannot be opened because the file's name is not UTF-8: Node lists its invalid bytes
 * as U+FFFD.
 */
export const isUnopenable = (path: string) => path.includes("\ufffd") && !pathExists(path);

/** Returns a listed path as the system takes it: the bytes of a name that is not UTF-8. `null` when the file is gone. */
export function systemPath(path: string): string | Buffer | null {
	if (pathExists(path)) return path;
	if (!isUnopenable(path)) return null;
	const names = readdirSync(dirname(path), { encoding: "buffer" });
	const name = names.find((bytes) => bytes.toString() === basename(path));
	return name ? Buffer.concat([Buffer.from(`${dirname(path)}/`), name]) : null;
}

/** Returns a file's extension in lower case, for example `".jpg"`; `""` if it has none. */
export const extensionOf = (path: string) => extname(path).toLowerCase();

/** Returns whether training reads a file, by its extension. */
export const isImageFile = (path: string) => IMAGE_EXTENSIONS.includes(extensionOf(path));
