// Assigns the images of a source to train, valid and test, class by class.
import { toClassName } from "../../src/datasets/classes";
import { SPLIT_ALIASES, SPLITS, type Split } from "../../src/images/folders";
import { counted } from "../../src/support/format";
import { groupBy } from "../../src/support/iteration";
import { type Entry, firstPaths, type ImageEntry, isImage } from "./entries";

/** Class name → images, each with its path below the class folder, in the order of the names. */
export type Classes = Map<string, ImageEntry[]>;

/** Split → class → images. */
export type Plan = Record<Split, Classes>;

export interface SplitOptions {
	/** What messages call the source. */
	label: string;
	/** The proportions of the splits, in any unit: 70, 15, 15 or 0.7, 0.15, 0.15. */
	ratios: Record<Split, number>;
	/** Seed of the shuffle. */
	seed: number;
	/** The source of each file: images of one source come into one split. Default: each has its own. */
	sources?: Map<string, number>;
}

/** Entries, and the path that messages give for the folder they are in. */
type Source = { entries: Entry[]; where: string };

/** Names of split folders in other people's data sets, in lower case. */
const SPLIT_NAMES = new Map<string, Split>([
	...SPLITS.flatMap((split) => [split, ...(SPLIT_ALIASES[split] ?? [])].map((name): [string, Split] => [name, split])),
	["training", "train"],
	["testing", "test"],
]);

/**
 * Decides which image goes into which split: as the source has it, if it is split already, or else by the ratios.
 *
 * @param entries everything in the source, sorted by path
 * @throws when classes are missing, empty or too small
 */
export function makePlan(entries: Entry[], { label, ratios, seed, sources }: SplitOptions): Plan {
	const source = unwrap({ entries, where: label });
	const given = givenSplits(source);
	if (given === null) return splitClasses(classesOf(source), ratios, seed, sources);

	const names = Object.values(given);
	const outside = source.entries.filter((entry) => isImage(entry) && !names.includes(firstPart(entry)));
	if (outside.length > 0) {
		console.log(`left out ${counted(outside.length, "image")} outside ${names.join(", ")}: ${firstPaths(outside)}`);
	}
	const folders = SPLITS.filter((split) => given[split] !== undefined);
	const parts = Object.fromEntries(folders.map((split) => [split, classesOf(inside(source, given[split] as string))]));
	checkSameClasses(parts, label);
	if (parts.valid) return parts as Plan;
	console.log("there is no valid folder: its images are taken from train");
	const { train, valid } = splitClasses(parts.train, { train: ratios.train, valid: ratios.valid }, seed);
	return { train, valid, test: parts.test };
}

/** Whether a source has splits of its own. */
export const isSplit = (entries: Entry[], label: string) => givenSplits(unwrap({ entries, where: label })) !== null;

const isAtTop = ({ path }: Entry) => !path.includes("/");
const firstPart = ({ path }: Entry) => path.split("/", 1)[0];

function folderNames({ entries }: Source): string[] {
	return [...new Set(entries.filter((entry) => entry.kind === "folder" || !isAtTop(entry)).map(firstPart))];
}

/** The part of a source that is in one of its folders, with paths relative to that folder. */
function inside({ entries, where }: Source, folder: string): Source {
	const within = entries.filter(({ path }) => path.startsWith(`${folder}/`));
	const below = within.map((entry) => ({ ...entry, path: entry.path.slice(folder.length + 1) }));
	return { entries: below, where: `${where}/${folder}` };
}

/** Skips folders that hold everything else: archives often wrap their contents in one. */
function unwrap(source: Source): Source {
	const folders = folderNames(source);
	const images = source.entries.filter(isImage);
	if (folders.length !== 1 || images.some(isAtTop)) return source;
	const wrapped = inside(source, folders[0]);
	return wrapped.entries.some((entry) => isImage(entry) && !isAtTop(entry)) ? unwrap(wrapped) : source;
}

/** The source's own names of its split folders; `null` when its folders are classes. */
function givenSplits(source: Source): Partial<Record<Split, string>> | null {
	const given: Partial<Record<Split, string>> = {};
	for (const name of folderNames(source)) {
		const split = SPLIT_NAMES.get(name.toLowerCase());
		if (!split) continue;
		if (given[split]) throw new Error(`${source.where} has both ${given[split]} and ${name}: keep one of them.`);
		given[split] = name;
	}
	// A single one of these names may well be a class: trains, planes and ships.
	if (Object.keys(given).length < 2) return null;
	const absent = (["train", "test"] as const).find((split) => !given[split]);
	if (absent) throw new Error(`${source.where} has ${Object.values(given).join(" and ")} but no ${absent} folder.`);
	return given;
}

function classesOf(source: Source): Classes {
	const { entries, where } = source;
	const images = entries.filter(isImage);
	const stray = images.find(isAtTop);
	const names = [...new Set(folderNames(source).map(toClassName))];
	const example = (image: string) => `put images into one folder per class, for example ${where}/cats/${image}`;
	if (stray) throw new Error(`${stray.path} is directly in ${where}: ${example(stray.path)}`);
	if (names.length === 0) throw new Error(`${where} has no class folders: ${example("1.jpg")}`);
	if (names.length === 1) throw new Error(`${where} has only one class, ${names[0]}: at least two are needed.`);

	const classes: Classes = new Map(names.map((name) => [name, []]));
	for (const image of images) {
		const name = firstPart(image);
		classes.get(toClassName(name))?.push({ ...image, path: image.path.slice(name.length + 1) });
	}
	for (const [name, found] of classes) {
		if (found.length === 0) throw new Error(`${where}/${name} has no images: add some or remove the folder.`);
	}
	return classes;
}

function checkSameClasses(parts: Record<string, Classes>, where: string): void {
	const all = new Set(Object.values(parts).flatMap((classes) => [...classes.keys()]));
	for (const [split, classes] of Object.entries(parts)) {
		for (const name of all) {
			if (!classes.has(name)) throw new Error(`${where} has a class ${name}, but none in ${split}.`);
		}
	}
}

/** Divides each class by the ratios, so that every split has the same mix of classes. */
function splitClasses<Part extends Split>(
	classes: Classes,
	ratios: Record<Part, number>,
	seed: number,
	sources = new Map<string, number>(),
): Record<Part, Classes> {
	const parts = Object.keys(ratios) as Part[];
	const plan = Object.fromEntries(parts.map((part) => [part, new Map()])) as Record<Part, Classes>;
	for (const [name, images] of classes) {
		if (images.length < parts.length) {
			const have = `${name} has ${counted(images.length, "image")}`;
			throw new Error(`${have}: at least ${parts.length} are needed, one each for ${parts.join(", ")}.`);
		}
		// The same seed for each class: a new class does not change how the others are split.
		const shuffled = shuffledByMulberry32(images, seed);
		const counts = apportion(images.length, Object.values(ratios));
		const divided = divide(shuffled, counts, sources);
		parts.forEach((part, i) => {
			plan[part].set(name, divided[i]);
		});
	}
	return plan;
}

/** Divides images into parts of about these sizes, none of them empty, and no source in two unless it is too large. */
function divide(images: ImageEntry[], counts: number[], sources: Map<string, number>): ImageEntry[][] {
	const parts: ImageEntry[][] = counts.map(() => []);
	let part = 0;
	for (const group of groupBy(images, ({ file }) => sources.get(file) ?? file)) {
		while (part < parts.length - 1 && parts[part].length >= counts[part]) part++;
		parts[part].push(...group);
	}
	if (parts.every(({ length }) => length > 0)) return parts;
	const rest = [...images];
	return counts.map((count) => rest.splice(0, count));
}

/** Divides `total` into whole parts as close to the ratios as possible, none of them empty. */
function apportion(total: number, ratios: number[]): number[] {
	const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
	const exact = ratios.map((ratio) => (total * ratio) / sum(ratios));
	const counts = exact.map((number) => Math.max(1, Math.floor(number)));
	const furthest = (gaps: number[]) => gaps.indexOf(Math.max(...gaps));
	while (sum(counts) < total) counts[furthest(exact.map((number, i) => number - counts[i]))]++;
	while (sum(counts) > total) counts[furthest(exact.map((number, i) => (counts[i] > 1 ? counts[i] - number : -1)))]--;
	return counts;
}

/**
 * Shuffles a copy by Fisher and Yates with the generator mulberry32.
 *
 * Not the shuffle of `src/`: another generator would assign the images of existing data sets to other splits.
 */
function shuffledByMulberry32<Item>(items: Item[], seed: number): Item[] {
	const shuffled = [...items];
	let state = seed | 0;
	const random = () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	for (let i = shuffled.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
	}
	return shuffled;
}
