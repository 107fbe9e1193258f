// Finds what is wrong with pictures that can be decoded: duplicates, leaks between the sets, dark, blurry and odd ones.
import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { DataFrame } from "danfojs-node";
import { IMAGE_EXTENSIONS, SPLITS } from "../datasets/dataset";
import type { Picture } from "../display/show";
import { filesIn, isRead, requireFolder } from "../images/folders";
import { type ImageProperties, imageProperties } from "../images/properties";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { quantile } from "../support/statistics";
import { closePairs } from "./near-pairs";
import { sha256 } from "./quarantine";

/**
 * The checks, in cleanvision's words, and two more. A picture is an issue if its score, 0 (worst) to 1, is below the
 * threshold.
 */
export const THRESHOLDS = {
	/** The brightness that 99 of 100 pixels are below. */
	dark: 0.32,
	/** 1 − the brightness that 5 of 100 pixels are below. */
	light: 0.05,
	/** The shorter side divided by the longer. */
	oddAspectRatio: 0.35,
	/** A tenth of the entropy of the histogram, in bits. */
	lowInformation: 0.3,
	/** From the deviation of the edges and of the histogram, in 64 pixels. */
	blurry: 0.29,
	/** How far apart the channels of a pixel are. No issue where half of the pictures are grey. */
	grayscale: 0.01,
	/** How near the size is to that of the middle half of all pictures: 0.5 is three times the middle half's width away. */
	oddSize: 0.5,
	/** 1 divided by how many files have the same bytes. */
	exactDuplicates: 1,
	/** The share of the 64 bits of pHash that differ in the most similar other picture; 1: there is none below the threshold. */
	nearDuplicates: 0.14,
	/** The same for pictures in another split: what the model is tested on, it has seen. */
	leakage: 0.14,
	/** The same for pictures of another class: one of the two labels is wrong. */
	labelConflict: 0.14,
};
export type Check = keyof typeof THRESHOLDS;

/** Files that are the same, or look it. */
export interface DuplicateSet {
	/** Relative to the folder that was searched. */
	paths: string[];
	/** `"exact"`: all have the same bytes. */
	kind: "exact" | "near";
	/** The splits and the classes in which they are; more than one is a leak, or a conflict of labels. */
	splits: string[];
	classes: string[];
}

export interface Issues {
	/**
	 * A row for each picture: `path`, `split`, `class`, `format`, `width`, `height`, `bytes`, and for each check its
	 * score, 0 (worst) to 1, and whether it is an issue: `darkScore`, `isDarkIssue`…
	 */
	table: DataFrame;
	/** A row for each check, the most frequent issue first: `issue`, `pictures`, `share` (0–1), `threshold`. */
	summary: DataFrame;
	/** A row for each class of each split: `split`, `class`, `pictures`, `share` of the split, and the sides' median. */
	classes: DataFrame;
	/** The largest set first. */
	duplicates: DuplicateSet[];
	/** The pictures with the lowest scores, as far as they are issues, for `showImages`. Default: six. */
	worst(check: Check, most?: number): Picture[];
}

export interface FindIssuesOptions {
	/** Other thresholds than those of `THRESHOLDS`; 0 switches a check off. */
	thresholds?: Partial<Record<Check, number>>;
	/** Is told how far it is, see `OnFileProgress`. */
	onProgress?: OnFileProgress;
}

/**
 * Looks for what harms training though it can be decoded, and changes nothing.
 *
 * Follows cleanvision: its checks, scores and thresholds, measured on 64 × 64 of a picture's pixels. Beyond it, near
 * duplicates need not have the same perceptual hash, and those across splits (leakage) and across classes (conflicts of
 * labels) have a check of their own. Each file is decoded once.
 *
 * @param directory a data set with `train`, `valid` and `test`, or one folder per class, or a folder of pictures
 * @throws when there is no such folder, or no picture in it
 */
export async function findIssues(directory: string, options: FindIssuesOptions = {}): Promise<Issues> {
	const thresholds = { ...THRESHOLDS, ...options.thresholds };
	const pictures = await examine(directory, options.onProgress);
	const looks = groupBy([...pictures.keys()], (i) => pictures[i].hash.join());
	const copies = await exactCopies(pictures, looks);
	const { nearest, sets } = compare(pictures, looks, directory, thresholds, copies);
	const scores: Record<Check, ArrayLike<number>> = { ...scoresOf(pictures), ...nearest };
	const isIssue = (check: Check, i: number) => scores[check][i] < thresholds[check];
	const checks = Object.keys(THRESHOLDS) as Check[];
	// Where most pictures are grey, grey is not odd.
	const grey = pictures.filter((_, i) => isIssue("grayscale", i)).length;
	if (grey > pictures.length / 2) scores.grayscale = pictures.map(() => 1);

	const { DataFrame } = await import("danfojs-node");
	const columns = ["path", "split", "class", "format", "width", "height", "bytes", ...checks.flatMap(columnsOf)];
	const rows = pictures.map((picture, i) => [
		relative(directory, picture.path),
		...[picture.split, picture.class, picture.format, picture.width, picture.height, picture.bytes],
		...checks.flatMap((check) => [scores[check][i], isIssue(check, i)]),
	]);
	const found = checks.map((check) => ({ check, pictures: pictures.filter((_, i) => isIssue(check, i)).length }));
	const summary = found
		.sort((a, b) => b.pictures - a.pictures)
		.map(({ check, pictures: some }) => [check, some, some / pictures.length, thresholds[check]]);
	return {
		table: new DataFrame(rows, { columns }),
		summary: new DataFrame(summary, { columns: ["issue", "pictures", "share", "threshold"] }),
		classes: new DataFrame(balanceOf(pictures)),
		duplicates: sets,
		worst(check, most = 6) {
			const issues = [...pictures.keys()].filter((i) => isIssue(check, i));
			const first = issues.sort((a, b) => scores[check][a] - scores[check][b]).slice(0, most);
			return first.map((i) => ({
				image: pictures[i].path,
				caption: `${relative(directory, pictures[i].path)}: ${scores[check][i].toFixed(2)}`,
			}));
		},
	};
}

/** `darkScore` and `isDarkIssue`. */
function columnsOf(check: Check): string[] {
	return [`${check}Score`, `is${check[0].toUpperCase()}${check.slice(1)}Issue`];
}

/** A picture with its place in the data set. */
type Examined = ImageProperties & { split: string; class: string };

async function examine(directory: string, onProgress?: OnFileProgress): Promise<Examined[]> {
	requireFolder(directory, "look for issues in");
	const splits = SPLITS.filter((split) => existsSync(join(directory, split)));
	const roots = splits.length > 0 ? splits.map((split) => join(directory, split)) : [directory];
	const files = roots.flatMap((root) => [...filesIn(root)].filter(isRead).sort());
	const { tick, end } = fileProgress(files.length, onProgress);
	const pictures: Examined[] = [];
	for await (const properties of imageProperties(files)) {
		await tick();
		const parts = relative(directory, properties.path).split(sep);
		const split = splits.length > 0 ? (parts.shift() as string) : "";
		pictures.push({ ...properties, split, class: parts.length > 1 ? parts[0] : "" });
	}
	end();
	if (pictures.length === 0) throw new Error(`${directory} has no pictures: expected ${IMAGE_EXTENSIONS.join(", ")}`);
	const left = files.length - pictures.length;
	if (left > 0) console.log(`${left} files cannot be decoded, run cleanTheData first: they are left out`);
	const order = new Map(files.map((path, i) => [path, i]));
	return pictures.sort((a, b) => (order.get(a.path) as number) - (order.get(b.path) as number));
}

function scoresOf(pictures: Examined[]) {
	const decay = (value: number) => 1 - Math.exp(-value / 100);
	return {
		dark: pictures.map(({ brightness99 }) => brightness99),
		light: pictures.map(({ brightness5 }) => 1 - brightness5),
		oddAspectRatio: pictures.map(({ width, height }) => Math.min(width / height, height / width)),
		lowInformation: pictures.map(({ entropy }) => Math.min(1, entropy / 10)),
		blurry: pictures.map(({ edges, greyDeviation }) => {
			const contrast = decay(greyDeviation);
			return Math.min(1, decay(edges) + (contrast > 0.18 ? contrast : 0));
		}),
		grayscale: pictures.map(({ colourfulness }) => colourfulness),
		oddSize: sizeScores(pictures.map(({ width, height }) => Math.sqrt(width * height))),
	};
}

/** 1 in the middle of the usual sizes, 0.5 at their ends: three times the width of the middle half beyond it. */
function sizeScores(sizes: number[]): number[] {
	const sorted = Float64Array.from(sizes).sort();
	const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
	const middle = (low + high) / 2;
	const width = 7 * (high - low);
	// If half of the pictures have one size, each other is odd.
	if (width === 0)
		return sizes.map((size) => (size === middle ? 1 : Math.max(0, 0.5 - Math.abs(size / middle - 1) / 2)));
	return sizes.map((size) => 1 - Math.min(1, Math.abs(size - middle) / width));
}

/** For each picture the first of those with the same bytes. Only what has the same size and looks is read. */
async function exactCopies(pictures: Examined[], looks: number[][]): Promise<Uint32Array> {
	const alike = looks.flatMap((some) => groupBy(some, (i) => pictures[i].bytes));
	const first = Uint32Array.from(pictures.keys());
	for (const some of alike) {
		if (some.length === 1) continue;
		const hashes = new Map<number, string>();
		for (const i of some) hashes.set(i, await sha256(pictures[i].path));
		for (const same of groupBy(some, (i) => hashes.get(i) as string)) for (const i of same) first[i] = same[0];
	}
	return first;
}

/**
 * Compares each picture with those that look like it: how near the nearest other is, and which go together.
 *
 * @param looks the pictures by their hashes; those with the same hash are compared once
 */
function compare(
	pictures: Examined[],
	looks: number[][],
	directory: string,
	thresholds: Record<Check, number>,
	copies: Uint32Array,
) {
	const words = pictures[0].hash.length;
	const hashes = new Uint32Array(looks.length * words);
	looks.forEach((some, look) => {
		hashes.set(pictures[some[0]].hash, look * words);
	});
	const kinds = {
		nearDuplicates: nearestOther(looks, copies),
		leakage: nearestOther(looks, numbered(pictures.map(({ split }) => split))),
		labelConflict: nearestOther(looks, numbered(pictures.map((picture) => picture.class))),
	};
	const together = Uint32Array.from(looks.keys());
	const threshold = Math.max(thresholds.nearDuplicates, thresholds.leakage, thresholds.labelConflict);
	closePairs(hashes, words, Math.ceil(64 * threshold) - 1, (a, b, distance) => {
		for (const { add } of Object.values(kinds)) add(a, b, distance / 64);
		if (distance / 64 < thresholds.nearDuplicates) unite(together, a, b);
	});
	const sets = groupBy([...looks.keys()], (look) => root(together, look))
		.map((some) => some.flatMap((look) => looks[look]))
		.filter((some) => some.length > 1)
		.map((some) => toSet(some, pictures, directory, copies))
		.sort((a, b) => b.paths.length - a.paths.length);
	const sizes = new Uint32Array(pictures.length);
	for (const copy of copies) sizes[copy]++;
	const nearest = {
		exactDuplicates: [...copies].map((copy) => 1 / sizes[copy]),
		nearDuplicates: kinds.nearDuplicates.scores,
		leakage: kinds.leakage.scores,
		labelConflict: kinds.labelConflict.scores,
	};
	return { nearest, sets };
}

/**
 * How near each picture comes to one that differs from it in `values` (its split, its class…): 0 to 1, and 1 if no such
 * pair is added.
 *
 * @param looks the pictures by their hashes; `add` takes pairs of them
 */
function nearestOther(looks: number[][], values: Uint32Array) {
	const scores = new Float64Array(values.length).fill(1);
	const mixed = looks.map((some) => some.some((i) => values[i] !== values[some[0]]));
	looks.forEach((some, look) => {
		if (mixed[look]) for (const i of some) scores[i] = 0;
	});
	const addOne = (to: number, from: number, distance: number) => {
		for (const i of looks[to]) {
			if (mixed[from] || values[looks[from][0]] !== values[i]) scores[i] = Math.min(scores[i], distance);
		}
	};
	const add = (a: number, b: number, distance: number) => {
		addOne(a, b, distance);
		addOne(b, a, distance);
	};
	return { scores, add };
}

function toSet(some: number[], pictures: Examined[], directory: string, copies: Uint32Array): DuplicateSet {
	const among = (values: string[]) => [...new Set(values)].sort();
	return {
		paths: some.map((i) => relative(directory, pictures[i].path)).sort(),
		kind: some.every((i) => copies[i] === copies[some[0]]) ? "exact" : "near",
		splits: among(some.map((i) => pictures[i].split)),
		classes: among(some.map((i) => pictures[i].class)),
	};
}

function balanceOf(pictures: Examined[]): object[] {
	const median = (values: number[]) => quantile(Float64Array.from(values).sort(), 0.5);
	return groupBy(pictures, (picture) => `${picture.split}/${picture.class}`).map((some) => ({
		split: some[0].split,
		class: some[0].class,
		pictures: some.length,
		share: some.length / pictures.filter(({ split }) => split === some[0].split).length,
		medianWidth: median(some.map(({ width }) => width)),
		medianHeight: median(some.map(({ height }) => height)),
	}));
}

function groupBy<T>(items: T[], key: (item: T) => string | number): T[][] {
	const groups = new Map<string | number, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		if (group) group.push(item);
		else groups.set(key(item), [item]);
	}
	return [...groups.values()];
}

function numbered(names: string[]): Uint32Array {
	const numbers = new Map([...new Set(names)].map((name, i) => [name, i]));
	return Uint32Array.from(names, (name) => numbers.get(name) as number);
}

/** The one that stands for all that are together with `item`. */
function root(together: Uint32Array, item: number): number {
	let at = item;
	while (together[at] !== at) {
		together[at] = together[together[at]];
		at = together[at];
	}
	return at;
}

function unite(together: Uint32Array, a: number, b: number): void {
	together[root(together, a)] = root(together, b);
}
