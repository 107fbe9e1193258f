// Lists classes and image files of a directory; validation split.
import { basename, dirname, join, relative, sep } from "node:path";
import { classFolders, filesIn, isImageFile, isUnopenable, resolveSplit, SPLITS, splitFolder } from "../images/folders";
import { IMAGE_EXTENSIONS } from "../images/formats";
import { groupBy, shuffled } from "../support/iteration";
import { type Classes, requireSameClasses, toClassName } from "./classes";
import { withJournal } from "./labels";
import type { ImageDatasetOptions, Index, LabelledFile } from "./types";

/** A row of `countImages`: the number of images of a class in a split. */
export type ImageCount = { split: string; class: string; images: number };

/**
 * Counts the images of each class in each split.
 *
 * @param dataset the folder with the splits
 * @param splits the splits to count in. Default `["train", "valid", "test"]`
 * @throws when a split is missing, has fewer than two class folders, or a class without images; when the classes of two
 *   splits differ
 */
export function countImages(dataset: string, splits: readonly string[] = SPLITS): ImageCount[] {
	return indexSplits(dataset, splits).flatMap(({ split, classNames, files }) => {
		const images = classNames.map(() => 0);
		for (const { label } of files) images[label]++;
		return classNames.map((name, label) => ({ split, class: name, images: images[label] }));
	});
}

/**
 * Lists the classes and image files of the splits of a data set, with the decisions of its label journal.
 *
 * @throws as `countImages` does
 */
export function indexSplits(dataset: string, splits: readonly string[]): (Index & { split: string })[] {
	const indices = splits.map((split) => ({ split, ...withJournal(indexDirectory(splitFolder(dataset, split))) }));
	for (const index of indices) requireSameClasses(classesOf(indices[0]), classesOf(index));
	return indices;
}

const classesOf = ({ directory, classNames }: Index): Classes => ({ classNames, of: directory });

/**
 * Lists the classes and image files of a directory, as Keras's `index_directory`.
 *
 * @throws when there is no such folder, fewer than two class folders, or a class without images; when a file's name is not
 *   UTF-8
 */
export function indexDirectory(
	given: string,
	{ classNames, followLinks = false }: Pick<ImageDatasetOptions, "classNames" | "followLinks"> = {},
): Index {
	const directory = resolveSplit(given);
	const folders = classFoldersByName(directory);
	const names = classNames?.map(toClassName) ?? [...folders.keys()];
	if (classNames) {
		requireSameClasses(
			{ classNames: [...names].sort(), of: "classNames" },
			{ classNames: [...folders.keys()], of: directory },
		);
	}
	if (names.length === 1) {
		throw new Error(`${directory} has only one class (${names[0]}): a classifier needs two or more folders`);
	}
	const images = imagesByFolder(directory, followLinks);
	const files = names.flatMap((name, label) => {
		const folder = folders.get(name) as string;
		return requireImages(join(directory, folder), images.get(folder)).map((path) => ({ path, label }));
	});
	return { directory, classNames: names, files };
}

/** Returns the class folders by class name, in alphanumeric order. */
function classFoldersByName(directory: string): Map<string, string> {
	const names = readFolders(directory, `one folder per class, for example ${join(directory, "cat")}/*.jpg`);
	const folders = new Map<string, string>();
	for (const name of names) {
		const other = folders.get(toClassName(name));
		if (other !== undefined) {
			throw new Error(
				`${directory} has two folders named ${name}, in two Unicode forms: move all images to one of them`,
			);
		}
		folders.set(toClassName(name), name);
	}
	return new Map([...folders].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the image files by the class folder that they are in, in Keras's order: folder by folder, alphanumeric. */
function imagesByFolder(directory: string, followLinks: boolean): Map<string, string[]> {
	const paths = [...filesIn(directory, { followLinks })].filter(isImageFile);
	const unopenable = paths.find(isUnopenable);
	if (unopenable)
		throw new Error(`${unopenable}: the file's name is not UTF-8; run cleanTheData on its data set first`);
	const classFolder = (path: string) => relative(directory, path).split(sep, 1)[0];
	const folders = groupBy(paths, dirname).sort(([a], [b]) => (dirname(a) < dirname(b) ? -1 : 1));
	const sorted = folders.flatMap((files) => files.sort((a, b) => (basename(a) < basename(b) ? -1 : 1)));
	return new Map(groupBy(sorted, classFolder).map((files) => [classFolder(files[0]), files]));
}

function requireImages(folder: string, paths: string[] = []): string[] {
	if (paths.length > 0) return paths;
	throw new Error(
		`${folder} has no images: expected files ending in ${IMAGE_EXTENSIONS.join(", ")}; remove the folder if it is not a class`,
	);
}

function readFolders(directory: string, example: string): string[] {
	let folders: string[];
	try {
		folders = classFolders(directory);
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (!code) throw error;
		const reasons: Record<string, string> = { ENOENT: "there is no such folder", ENOTDIR: "it is not a folder" };
		throw new Error(`cannot read ${directory}: ${reasons[code] ?? message}; expected ${example}`);
	}
	if (folders.length === 0) throw new Error(`${directory} has no images: expected ${example}`);
	return folders;
}

/**
 * Selects the training or the validation subset of an index. The split depends on the files, the fraction and the seed only:
 * the two subsets never overlap, whatever else is different.
 *
 * @throws when only one of `validationSplit` and `subset` is given, there is no seed, or the subset is empty
 */
export function selectSubset(index: Index, { validationSplit, subset, seed }: ImageDatasetOptions): Index {
	if (validationSplit === undefined && subset === undefined) return index;
	if (!validationSplit || validationSplit <= 0 || validationSplit >= 1 || !subset) {
		throw new Error(
			`validationSplit is ${validationSplit}, subset is ${subset}: expected a number above 0 and below 1, and "training" or "validation"; they go together`,
		);
	}
	if (seed === undefined) {
		throw new Error(
			"validationSplit needs a seed: pass the same one for both subsets, or they would have images in common",
		);
	}
	const nameOf = ({ path }: LabelledFile) => relative(index.directory, path).normalize("NFC");
	const byName = [...index.files].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
	const files = shuffled(byName, `${seed}/split`);
	const validation = Math.floor(files.length * validationSplit);
	const selected = new Set(subset === "validation" ? files.slice(-validation) : files.slice(0, -validation));
	if (validation === 0 || selected.size === 0) {
		throw new Error(`validationSplit ${validationSplit} leaves no images for the ${subset} subset`);
	}
	return { ...index, files: index.files.filter((file) => selected.has(file)) };
}
