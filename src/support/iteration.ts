// Counting, chunking, grouping and seeded shuffling.
import seedrandom from "seedrandom";

export function groupBy<T>(items: T[], key: (item: T) => string | number): T[][] {
	const groups = new Map<string | number, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		if (group) group.push(item);
		else groups.set(key(item), [item]);
	}
	return [...groups.values()];
}

/** Fisher–Yates with a generator that gives the same order everywhere, unlike `tf.util.shuffle`. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
	const random = seedrandom(seed);
	const result = [...items];
	for (let i = result.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[result[i], result[j]] = [result[j], result[i]];
	}
	return result;
}

/** How many there are. */
export function count(items: Iterable<unknown>): number {
	let total = 0;
	for (const _ of items) total++;
	return total;
}

/** Cuts a stream into arrays of `size` items, the last of which can be shorter. */
export async function* inChunks<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
	let piece: T[] = [];
	for await (const item of items) {
		piece.push(item);
		if (piece.length < size) continue;
		yield piece;
		piece = [];
	}
	if (piece.length > 0) yield piece;
}
