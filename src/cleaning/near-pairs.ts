// Multi-index search for close perceptual hashes.

/** Receives a close pair: the indices of two hashes and their distance, the number of differing bits. */
export type OnPair = (a: number, b: number, distance: number) => void;

/**
 * Finds all pairs of close hashes: they differ in at most `maxDistance` of their first 64 bits, and in at most a quarter of
 * their other bits.
 *
 * Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): the 64 bits are split into three parts. When two hashes
 * differ in up to 8 bits, at least one part differs in at most 2. So each part is looked up with all combinations of up to 2
 * flipped bits. With a million images, every second look-up finds an unrelated hash.
 *
 * @param hashes the hashes, `words` unsigned 32-bit words each; the first two words are the 64 bits
 * @param onPair called at least once for each pair
 */
export function closePairs(hashes: Uint32Array, words: number, maxDistance: number, onPair: OnPair): void {
	const count = hashes.length / words;
	for (const part of PARTS) {
		const keys = Uint32Array.from({ length: count }, (_, i) => part.key(hashes[i * words], hashes[i * words + 1]));
		const { starts, order } = sortedByKey(keys, part.bits);
		// Sorted by key, so that compared hashes are close in memory.
		const sortedKeys = keys.map((_, i) => keys[order[i]]);
		const sorted = new Uint32Array(2 * count).map((_, i) => hashes[order[i >> 1] * words + (i & 1)]);
		for (const mask of bitMasks(part.bits, Math.floor(maxDistance / PARTS.length))) {
			for (let i = 0; i < count; i++) {
				const key = sortedKeys[i] ^ mask;
				// A look-up finds a pair from both sides: take it from one.
				const end = Math.min(starts[key + 1], i);
				for (let j = starts[key]; j < end; j++) {
					const distance = hammingDistance(sorted, 2 * i, 2 * j, 2);
					if (distance > maxDistance) continue;
					const [a, b] = [order[i], order[j]];
					if (restIsClose(hashes, a * words, b * words, words)) onPair(a, b, distance);
				}
			}
		}
	}
}

/** The three parts of the 64 bits. */
const PARTS = [
	{ bits: 22, key: (high: number, _low: number) => high >>> 10 },
	{ bits: 21, key: (high: number, low: number) => ((high & 0x3ff) << 11) | (low >>> 21) },
	{ bits: 21, key: (_high: number, low: number) => low & 0x1fffff },
];

/** Counting sort: `order` from `starts[k]` up to `starts[k + 1]` are the ascending indices of the hashes with key `k`. */
function sortedByKey(keys: Uint32Array, bits: number): { starts: Uint32Array; order: Uint32Array } {
	const starts = new Uint32Array(2 ** bits + 2);
	for (const key of keys) starts[key + 2]++;
	for (let key = 2; key < starts.length; key++) starts[key] += starts[key - 1];
	const order = new Uint32Array(keys.length);
	for (let i = 0; i < keys.length; i++) order[starts[keys[i] + 1]++] = i;
	return { starts, order };
}

/** Returns all words of `bits` bits with at most `maxSet` of them set. */
function bitMasks(bits: number, maxSet: number): number[] {
	const all = [0];
	let last = [{ word: 0, next: 0 }];
	for (let set = 1; set <= maxSet; set++) {
		last = last.flatMap(({ word, next }) =>
			Array.from({ length: bits - next }, (_, i) => ({ word: word | (1 << (next + i)), next: next + i + 1 })),
		);
		all.push(...last.map(({ word }) => word));
	}
	return all;
}

/** Returns whether at most a quarter of the bits after the first 64 differ. */
function restIsClose(hashes: Uint32Array, a: number, b: number, words: number): boolean {
	const rest = words - 2;
	return hammingDistance(hashes, a + 2, b + 2, rest) <= (rest * 32) / 4;
}

function hammingDistance(hashes: Uint32Array, a: number, b: number, words: number): number {
	let bits = 0;
	for (let i = 0; i < words; i++) bits += popCount(hashes[a + i] ^ hashes[b + i]);
	return bits;
}

/** Counts the set bits of a word: in pairs, fours and bytes at once. */
function popCount(word: number): number {
	let count = word - ((word >>> 1) & 0x55555555);
	count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
	return (((count + (count >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
