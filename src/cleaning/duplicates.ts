// Sets of exact and near duplicates; leakage and label conflicts.
import { relative } from "node:path";
import { sha256OfFile } from "../support/files";
import { groupBy } from "../support/iteration";
import type { Check, Examined } from "./checks";
import { closePairs } from "./near-pairs";

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

/** For each image the first of those with the same bytes. Only what has the same size and looks is read. */
export async function exactCopies(images: Examined[], looks: number[][]): Promise<Uint32Array> {
	const alike = looks.flatMap((some) => groupBy(some, (i) => images[i].bytes));
	const first = Uint32Array.from(images.keys());
	for (const some of alike) {
		if (some.length === 1) continue;
		const hashes = new Map<number, string>();
		for (const i of some) hashes.set(i, await sha256OfFile(images[i].path));
		for (const same of groupBy(some, (i) => hashes.get(i) as string)) for (const i of same) first[i] = same[0];
	}
	return first;
}

/**
 * Compares each image with those that look like it: how near the nearest other is, and which go together.
 *
 * @param looks the images by their hashes; those with the same hash are compared once
 */
export function compare(
	images: Examined[],
	looks: number[][],
	directory: string,
	thresholds: Record<Check, number>,
	copies: Uint32Array,
) {
	const words = images[0].hash.length;
	const hashes = new Uint32Array(looks.length * words);
	looks.forEach((some, look) => {
		hashes.set(images[some[0]].hash, look * words);
	});
	const kinds = {
		nearDuplicates: nearestOther(looks, copies),
		leakage: nearestOther(looks, numbered(images.map(({ split }) => split))),
		labelConflict: nearestOther(looks, numbered(images.map((image) => image.class))),
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
		.map((some) => toSet(some, images, directory, copies))
		.sort((a, b) => b.paths.length - a.paths.length);
	const sizes = new Uint32Array(images.length);
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
 * How near each image comes to one that differs from it in `values` (its split, its class…): 0 to 1, and 1 if no such
 * pair is added.
 *
 * @param looks the images by their hashes; `add` takes pairs of them
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

function toSet(some: number[], images: Examined[], directory: string, copies: Uint32Array): DuplicateSet {
	const among = (values: string[]) => [...new Set(values)].sort();
	return {
		paths: some.map((i) => relative(directory, images[i].path)).sort(),
		kind: some.every((i) => copies[i] === copies[some[0]]) ? "exact" : "near",
		splits: among(some.map((i) => images[i].split)),
		classes: among(some.map((i) => images[i].class)),
	};
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
