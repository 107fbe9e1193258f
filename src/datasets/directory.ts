// Lists classes and image files of a directory; validation split.
import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isImageFile, isQuarantine, SPLITS } from "../images/folders";
import { IMAGE_EXTENSIONS } from "../images/formats";
import { shuffled } from "../support/iteration";
import type { ImageDatasetOptions, LabelledFile } from "./types";

/** A row of `countImages`: the number of images of a class in a split. */
export type ImageCount = { split: string; class: string; images: number };

/**
 * Counts the images of each class in each split.
 *
 * @param dataset the folder with the splits
 * @param splits the folders to count in. Default `["train", "valid", "test"]`
 * @throws when a split is missing, has fewer than two class folders, or a class without images
 */
export function countImages(dataset: string, splits = SPLITS): ImageCount[] {
	return splits.flatMap((split) => {
		const { classNames, files } = indexDirectory(join(dataset, split), {});
		return classNames.map((name, label) => ({
			split,
			class: name,
			images: files.filter((file) => file.label === label).length,
		}));
	});
}

type Index = { classNames: string[]; files: LabelledFile[] };

/**
 * Lists the classes and image files of a directory, as Keras's `index_directory`.
 *
 * @throws when there is no such folder, fewer than two class folders, or a class without images
 */
export function indexDirectory(directory: string, { classNames, followLinks = false }: ImageDatasetOptions): Index {
	const folders = classFolders(directory);
	if (classNames) requireSameNames(directory, folders, classNames);
	const names = classNames ?? folders;
	if (names.length === 1) {
		throw new Error(`${directory} has only one class (${names[0]}): a classifier needs two or more folders`);
	}
	const files = names.flatMap((name, label) => {
		const paths = imagesIn(join(directory, name), followLinks);
		if (paths.length > 0) return paths.map((path) => ({ path, label }));
		throw new Error(
			`${join(directory, name)} has no images: expected files ending in ${IMAGE_EXTENSIONS.join(", ")}; remove the folder if it is not a class`,
		);
	});
	return { classNames: names, files };
}

function classFolders(directory: string): string[] {
	const example = `one folder per class, for example ${join(directory, "cat")}/*.jpg`;
	const names = readFolder(directory, example)
		.filter((entry) => isFolder(join(directory, entry.name), entry, true) && !entry.name.startsWith("."))
		.filter(({ name }) => !isQuarantine(join(directory, name)))
		.map(({ name }) => name)
		.sort();
	if (names.length === 0) throw new Error(`${directory} has no images: expected ${example}`);
	return names;
}

function requireSameNames(directory: string, folders: string[], classNames: string[]): void {
	const missing = classNames.find((name) => !folders.includes(name));
	if (missing) throw new Error(`${directory} has no class ${missing}: its folders are ${folders.join(", ")}`);
	const unnamed = folders.find((name) => !classNames.includes(name));
	if (!unnamed) return;
	throw new Error(
		`${directory} has a class ${unnamed}, but classNames are ${classNames.join(", ")}: add it, or remove the folder`,
	);
}

/** Lists the images of a folder and its subfolders in Keras's order: folder by folder, alphanumeric. */
function imagesIn(directory: string, followLinks: boolean): string[] {
	const folders = [directory];
	const walk = (folder: string, ancestors: string[]) => {
		const inode = String(statSync(folder).ino);
		if (ancestors.includes(inode)) return; // a symbolic link to an ancestor
		for (const entry of readdirSync(folder, { withFileTypes: true })) {
			const path = join(folder, entry.name);
			if (!isFolder(path, entry, followLinks) || isQuarantine(path)) continue;
			folders.push(path);
			walk(path, [...ancestors, inode]);
		}
	};
	walk(directory, []);
	return folders.sort().flatMap((folder) =>
		readdirSync(folder, { withFileTypes: true })
			.filter((entry) => !entry.isDirectory() && isImageFile(entry.name))
			.map(({ name }) => join(folder, name))
			.sort(),
	);
}

function isFolder(path: string, entry: Dirent, followLinks: boolean): boolean {
	if (!entry.isSymbolicLink() || !followLinks) return entry.isDirectory();
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readFolder(directory: string, example: string): Dirent[] {
	try {
		return readdirSync(directory, { withFileTypes: true });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const reason =
			code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is not a folder" : String(code);
		throw new Error(`cannot read ${directory}: ${reason}; expected ${example}`);
	}
}

/**
 * Selects the training or the validation subset of a shuffled index.
 *
 * @throws when only one of `validationSplit` and `subset` is given, or the subset is empty
 */
export function selectSubset(index: Index, { validationSplit, subset }: ImageDatasetOptions, seed: number): Index {
	if (validationSplit === undefined && subset === undefined) return index;
	if (!validationSplit || validationSplit <= 0 || validationSplit >= 1 || !subset) {
		throw new Error(
			`validationSplit is ${validationSplit}, subset is ${subset}: expected a number above 0 and below 1, and "training" or "validation"; they go together`,
		);
	}
	const files = shuffled(index.files, `${seed}/split`);
	const validation = Math.floor(files.length * validationSplit);
	const selected = subset === "validation" ? files.slice(-validation) : files.slice(0, -validation);
	if (validation === 0 || selected.length === 0) {
		throw new Error(`validationSplit ${validationSplit} leaves no images for the ${subset} subset`);
	}
	return { ...index, files: selected };
}
