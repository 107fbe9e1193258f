// Multi-index search for close perceptual hashes.

/** Two hashes that differ in at most so many bits, by their places in the list. */
export type OnPair = (a: number, b: number, distance: number) => void;

/**
 * Finds all pairs of hashes that are close: in at most `maxDistance` of their first 64 bits, and in at most a quarter
 * of their other bits.
 *
 * Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): the 64 bits are cut into three. Of two hashes that differ
 * in 8 bits, one of the three parts differs in 2 at most; so it is enough to look up each part with all ways to change
 * up to 2 of its bits. For a million images such a look-up finds one other by chance in two.
 *
 * @param hashes each of `words` unsigned 32-bit words, the first two of which are looked up
 * @param onPair called at least once for each pair
 */
export function closePairs(hashes: Uint32Array, words: number, maxDistance: number, onPair: OnPair): void {
	const count = hashes.length / words;
	for (const part of PARTS) {
		const keys = Uint32Array.from({ length: count }, (_, i) => part.of(hashes[i * words], hashes[i * words + 1]));
		const { starts, order } = sortedByKey(keys, part.bits);
		// In the order of their keys, so that what is compared lies close together in memory.
		const sortedKeys = keys.map((_, i) => keys[order[i]]);
		const sorted = new Uint32Array(2 * count).map((_, i) => hashes[order[i >> 1] * words + (i & 1)]);
		for (const change of changes(part.bits, Math.floor(maxDistance / PARTS.length))) {
			for (let i = 0; i < count; i++) {
				const key = sortedKeys[i] ^ change;
				// A pair is found from both its sides, and taken once.
				const end = Math.min(starts[key + 1], i);
				for (let j = starts[key]; j < end; j++) {
					const distance = bitsThatDiffer(sorted, 2 * i, 2 * j, 2);
					if (distance > maxDistance) continue;
					const [a, b] = [order[i], order[j]];
					if (isSure(hashes, a * words, b * words, words)) onPair(a, b, distance);
				}
			}
		}
	}
}

/** The first 64 bits of a hash, in three parts. */
const PARTS = [
	{ bits: 22, of: (high: number, _low: number) => high >>> 10 },
	{ bits: 21, of: (high: number, low: number) => ((high & 0x3ff) << 11) | (low >>> 21) },
	{ bits: 21, of: (_high: number, low: number) => low & 0x1fffff },
];

/** Counting sort: the places of the hashes with key `k` are `order[starts[k]]` up to `starts[k + 1]`, ascending. */
function sortedByKey(keys: Uint32Array, bits: number): { starts: Uint32Array; order: Uint32Array } {
	const starts = new Uint32Array(2 ** bits + 2);
	for (const key of keys) starts[key + 2]++;
	for (let key = 2; key < starts.length; key++) starts[key] += starts[key - 1];
	const order = new Uint32Array(keys.length);
	for (let i = 0; i < keys.length; i++) order[starts[keys[i] + 1]++] = i;
	return { starts, order };
}

/** All words of so many bits with at most `most` of them set. */
function changes(bits: number, most: number): number[] {
	const all = [0];
	let last = [{ word: 0, next: 0 }];
	for (let set = 1; set <= most; set++) {
		last = last.flatMap(({ word, next }) =>
			Array.from({ length: bits - next }, (_, i) => ({ word: word | (1 << (next + i)), next: next + i + 1 })),
		);
		all.push(...last.map(({ word }) => word));
	}
	return all;
}

function isSure(hashes: Uint32Array, a: number, b: number, words: number): boolean {
	const more = words - 2;
	return bitsThatDiffer(hashes, a + 2, b + 2, more) <= (more * 32) / 4;
}

function bitsThatDiffer(hashes: Uint32Array, a: number, b: number, words: number): number {
	let bits = 0;
	for (let i = 0; i < words; i++) bits += bitsSet(hashes[a + i] ^ hashes[b + i]);
	return bits;
}

/** Counts in pairs, fours and bytes at once. */
function bitsSet(word: number): number {
	let count = word - ((word >>> 1) & 0x55555555);
	count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
	return (((count + (count >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
