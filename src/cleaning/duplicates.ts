// Sets of exact, near, mirrored and turned duplicates; leakage and label conflicts.
import { relative } from "node:path";
import { SYMMETRIES, type Symmetry, transposed } from "../images/perceptual-hash";
import { sha256OfFile } from "../support/files";
import { groupBy } from "../support/iteration";
import type { Check, Examined } from "./checks";
import { closePairs } from "./near-pairs";

/** A set of duplicates. */
export interface DuplicateSet {
	/** Paths relative to the searched folder. */
	paths: string[];
	/**
	 * `"exact"`: all files have the same bytes. `"near"`: the images look alike. `"mirrored"`, `"turned"`: one is a reflection
	 * of an image of another split, or its rotation by 90°, 180° or 270°, which augmentation would make of it.
	 */
	kind: "exact" | "near" | Symmetry["kind"];
	/** The splits and the classes of the files. More than one split is leakage, more than one class a label conflict. */
	splits: string[];
	classes: string[];
}

/**
 * Returns for each image the index of the first image with the same bytes. Only files with the same size and perceptual
 * hash are read.
 *
 * @param hashGroups indices of the images by perceptual hash
 */
export async function exactCopies(images: Examined[], hashGroups: number[][]): Promise<Uint32Array> {
	const candidates = hashGroups.flatMap((group) => groupBy(group, (i) => images[i].bytes));
	const first = Uint32Array.from(images.keys());
	for (const group of candidates) {
		if (group.length === 1) continue;
		const hashes = new Map<number, string>();
		for (const i of group) hashes.set(i, await sha256OfFile(images[i].path));
		for (const copies of groupBy(group, (i) => hashes.get(i) as string)) {
			for (const i of copies) first[i] = copies[0];
		}
	}
	return first;
}

/**
 * Compares the perceptual hashes of all images.
 *
 * @param hashGroups indices of the images by perceptual hash; each hash is compared once
 * @param copies see `exactCopies`
 * @returns the scores of the four checks of duplicates, and the duplicate sets, largest first
 */
export function compareImages(
	images: Examined[],
	hashGroups: number[][],
	directory: string,
	thresholds: Record<Check, number>,
	copies: Uint32Array,
) {
	const firsts = hashGroups.map(([first]) => images[first]);
	const checks = {
		nearDuplicates: nearestOther(hashGroups, copies),
		leakage: nearestOther(hashGroups, numbered(images.map(({ split }) => split))),
		labelConflict: nearestOther(hashGroups, numbered(images.map((image) => image.class))),
	};
	const parents = Uint32Array.from(hashGroups.keys());
	const threshold = Math.max(thresholds.nearDuplicates, thresholds.leakage, thresholds.labelConflict);
	// At most a quarter of the other bits may differ.
	const limits = { first: mostBits(threshold), others: 64 };
	closePairs(joined(firsts.map(({ hash }) => hash)), firsts[0].hash.length, limits, (a, b, distance) => {
		for (const { add } of Object.values(checks)) add(a, b, distance / 64);
		if (distance / 64 < thresholds.nearDuplicates) unite(parents, a, b);
	});
	const kinds = new Map<number, Symmetry["kind"]>();
	reflectedPairs(firsts, thresholds.leakage, (a, b, distance, kind) => {
		checks.leakage.add(a, b, distance / 64);
		if (!checks.leakage.differ(a, b) || root(parents, a) === root(parents, b)) return;
		for (const group of [a, b]) kinds.set(group, kind);
		unite(parents, a, b);
	});
	const sets = groupBy([...hashGroups.keys()], (k) => root(parents, k))
		.filter((groups) => groups.length > 1 || hashGroups[groups[0]].length > 1)
		.map((groups) => toSet(groups, hashGroups, images, directory, copies, kinds))
		.sort((a, b) => b.paths.length - a.paths.length);
	const scores = {
		exactDuplicates: exactScores(copies),
		nearDuplicates: checks.nearDuplicates.scores,
		leakage: checks.leakage.scores,
		labelConflict: checks.labelConflict.scores,
	};
	return { scores, sets };
}

/** Returns 1 divided by the number of files with the same bytes, for each image. */
function exactScores(copies: Uint32Array): number[] {
	const sizes = new Uint32Array(copies.length);
	for (const copy of copies) sizes[copy]++;
	return [...copies].map((copy) => 1 / sizes[copy]);
}

/** Returns the greatest number of differing bits, of 64, that is below a threshold (0–1). */
const mostBits = (threshold: number) => Math.ceil(64 * threshold) - 1;

function joined(hashes: Uint32Array[]): Uint32Array {
	const all = new Uint32Array(hashes.length * hashes[0].length);
	hashes.forEach((hash, i) => {
		all.set(hash, i * hash.length);
	});
	return all;
}

/**
 * Finds images that are a mirrored or turned copy of another, re-encoded and resized copies included.
 *
 * Seven times as many comparisons as among unchanged images, so the limits are narrower.
 */
function reflectedPairs(
	images: Examined[],
	threshold: number,
	onPair: (a: number, b: number, distance: number, kind: Symmetry["kind"]) => void,
): void {
	if (new Set(images.map(({ split }) => split)).size < 2 || threshold <= 0) return;
	const signs = joined(images.map((image) => image.signs));
	const turned = joined(images.map((image) => transposed(image.signs)));
	const variants = SYMMETRIES.map((symmetry) => ({ ...symmetry, of: symmetry.transposed ? turned : signs }));
	const limits = { first: Math.min(5, mostBits(threshold)), others: 48 };
	const words = images[0].signs.length;
	closePairs(signs, words, limits, (a, b, distance, { kind }) => onPair(a, b, distance, kind), variants);
}

/**
 * Computes for each image its distance (0–1) to the nearest image with another value: another split, another class …
 *
 * @param values the value of each image, as a number
 * @returns `scores`, 1 for images without such a neighbour; `add`, which takes a pair of hash groups and their distance;
 *   `differ`, whether some images of two hash groups have different values
 */
function nearestOther(hashGroups: number[][], values: Uint32Array) {
	const scores = new Float64Array(values.length).fill(1);
	const mixed = hashGroups.map((group) => group.some((i) => values[i] !== values[group[0]]));
	hashGroups.forEach((group, k) => {
		if (mixed[k]) for (const i of group) scores[i] = 0;
	});
	const addOneWay = (to: number, from: number, distance: number) => {
		for (const i of hashGroups[to]) {
			if (mixed[from] || values[hashGroups[from][0]] !== values[i]) scores[i] = Math.min(scores[i], distance);
		}
	};
	const add = (a: number, b: number, distance: number) => {
		addOneWay(a, b, distance);
		addOneWay(b, a, distance);
	};
	const differ = (a: number, b: number) =>
		mixed[a] || mixed[b] || values[hashGroups[a][0]] !== values[hashGroups[b][0]];
	return { scores, add, differ };
}

/** @param kinds the kind of the pair through which a hash group came into its set, when that is a reflection or rotation */
function toSet(
	groups: number[],
	hashGroups: number[][],
	images: Examined[],
	directory: string,
	copies: Uint32Array,
	kinds: Map<number, Symmetry["kind"]>,
): DuplicateSet {
	const distinct = (values: string[]) => [...new Set(values)].sort();
	const members = groups.flatMap((k) => hashGroups[k]);
	const isExact = members.every((i) => copies[i] === copies[members[0]]);
	return {
		paths: members.map((i) => relative(directory, images[i].path)).sort(),
		kind: isExact ? "exact" : (groups.map((k) => kinds.get(k)).find(Boolean) ?? "near"),
		splits: distinct(members.map((i) => images[i].split)),
		classes: distinct(members.map((i) => images[i].class)),
	};
}

/** Returns each name's index among the distinct names. */
function numbered(names: string[]): Uint32Array {
	const numbers = new Map([...new Set(names)].map((name, i) => [name, i]));
	return Uint32Array.from(names, (name) => numbers.get(name) as number);
}

/** Union–find: returns the representative of an item's set, and shortens the path to it. */
function root(parents: Uint32Array, item: number): number {
	let at = item;
	while (parents[at] !== at) {
		parents[at] = parents[parents[at]];
		at = parents[at];
	}
	return at;
}

function unite(parents: Uint32Array, a: number, b: number): void {
	parents[root(parents, a)] = root(parents, b);
}
