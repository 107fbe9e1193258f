// Counting, chunking, grouping and seeded shuffling.
import seedrandom from "seedrandom";

/** Groups items by a key. Groups are in the order of their first items, items in their own order. */
export function groupBy<T>(items: T[], keyOf: (item: T) => string | number): T[][] {
	const groups = new Map<string | number, T[]>();
	for (const item of items) {
		const key = keyOf(item);
		const group = groups.get(key);
		if (group) group.push(item);
		else groups.set(key, [item]);
	}
	return [...groups.values()];
}

/** Returns a shuffled copy (Fisher–Yates): the same for the same seed on every machine, unlike `tf.util.shuffle`. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
	const random = seedrandom(seed);
	const result = [...items];
	for (let i = result.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[result[i], result[j]] = [result[j], result[i]];
	}
	return result;
}

/** Returns the number of items, without holding them in memory. */
export function count(items: Iterable<unknown>): number {
	let total = 0;
	for (const _ of items) total++;
	return total;
}

/** Yields the items in arrays of `size`; the last array can be shorter. */
export async function* inChunks<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
	let chunk: T[] = [];
	for await (const item of items) {
		if (chunk.push(item) < size) continue;
		yield chunk;
		chunk = [];
	}
	if (chunk.length > 0) yield chunk;
}
