// Sets of exact and near duplicates; leakage and label conflicts.
import { relative } from "node:path";
import { sha256OfFile } from "../support/files";
import { groupBy } from "../support/iteration";
import type { Check, Examined } from "./checks";
import { closePairs } from "./near-pairs";

/** A set of exact or near duplicates. */
export interface DuplicateSet {
	/** Paths relative to the searched folder. */
	paths: string[];
	/** `"exact"`: all files have the same bytes. */
	kind: "exact" | "near";
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
	const words = images[0].hash.length;
	const hashes = new Uint32Array(hashGroups.length * words);
	hashGroups.forEach((group, k) => {
		hashes.set(images[group[0]].hash, k * words);
	});
	const checks = {
		nearDuplicates: nearestOther(hashGroups, copies),
		leakage: nearestOther(hashGroups, numbered(images.map(({ split }) => split))),
		labelConflict: nearestOther(hashGroups, numbered(images.map((image) => image.class))),
	};
	const parents = Uint32Array.from(hashGroups.keys());
	const threshold = Math.max(thresholds.nearDuplicates, thresholds.leakage, thresholds.labelConflict);
	closePairs(hashes, words, Math.ceil(64 * threshold) - 1, (a, b, distance) => {
		for (const { add } of Object.values(checks)) add(a, b, distance / 64);
		if (distance / 64 < thresholds.nearDuplicates) unite(parents, a, b);
	});
	const sets = groupBy([...hashGroups.keys()], (k) => root(parents, k))
		.map((groups) => groups.flatMap((k) => hashGroups[k]))
		.filter((members) => members.length > 1)
		.map((members) => toSet(members, images, directory, copies))
		.sort((a, b) => b.paths.length - a.paths.length);
	const sizes = new Uint32Array(images.length);
	for (const copy of copies) sizes[copy]++;
	const scores = {
		exactDuplicates: [...copies].map((copy) => 1 / sizes[copy]),
		nearDuplicates: checks.nearDuplicates.scores,
		leakage: checks.leakage.scores,
		labelConflict: checks.labelConflict.scores,
	};
	return { scores, sets };
}

/**
 * Computes for each image its distance (0–1) to the nearest image with another value: another split, another class …
 *
 * @param values the value of each image, as a number
 * @returns `scores`, 1 for images without such a neighbour; `add`, which takes a pair of hash groups and their distance
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
	return { scores, add };
}

function toSet(members: number[], images: Examined[], directory: string, copies: Uint32Array): DuplicateSet {
	const distinct = (values: string[]) => [...new Set(values)].sort();
	return {
		paths: members.map((i) => relative(directory, images[i].path)).sort(),
		kind: members.every((i) => copies[i] === copies[members[0]]) ? "exact" : "near",
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
