// Multi-index search for close perceptual hashes.

/** The greatest number of bits in which close hashes differ: among the first 64, and among the others. */
export interface Limits {
	first: number;
	others: number;
}

/** What the hashes of images become when the images are mirrored or turned: the hashes `of`, with the bits of `mask` flipped. */
export interface Variant {
	of: Uint32Array;
	mask: Uint32Array;
}

/**
 * Finds all pairs of close hashes.
 *
 * Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): the 64 bits are split into three parts. When two hashes
 * differ in up to 8 bits, at least one part differs in at most 2. So each part is looked up with all combinations of up to 2
 * flipped bits. With a million images, every second look-up finds an unrelated hash.
 *
 * @param hashes the hashes, `words` unsigned 32-bit words each; the first two words are the 64 bits
 * @param onPair receives the indices of two hashes, the number of differing bits among the first 64, and the variant;
 *   called at least once for each pair and variant
 * @param variants what the hashes are compared with. Default: the hashes themselves
 */
export function closePairs<V extends Variant>(
	hashes: Uint32Array,
	words: number,
	limits: Limits,
	onPair: (a: number, b: number, distance: number, variant: V) => void,
	variants: V[] = [{ of: hashes, mask: new Uint32Array(words) } as V],
): void {
	for (const part of PARTS) {
		const index = sortedByPart(hashes, words, part);
		const sorted = new Map([[hashes, index]]);
		const flips = bitMasks(part.bits, Math.floor(limits.first / PARTS.length));
		for (const variant of variants) {
			const { of, mask } = variant;
			const queries = sorted.get(of) ?? sortedByPart(of, words, part);
			sorted.set(of, queries);
			lookUp(index, queries, part, mask, flips, limits.first, (a, b, distance) => {
				if (restDistance(hashes, of, mask, a * words, b * words) <= limits.others) onPair(a, b, distance, variant);
			});
		}
	}
}

/** A part of the 64 bits. */
interface Part {
	bits: number;
	key(high: number, low: number): number;
}

/** The three parts of the 64 bits. */
const PARTS: Part[] = [
	{ bits: 22, key: (high, _low) => high >>> 10 },
	{ bits: 21, key: (high, low) => ((high & 0x3ff) << 11) | (low >>> 21) },
	{ bits: 21, key: (_high, low) => low & 0x1fffff },
];

/** Hashes sorted by a part, so that compared hashes are close in memory. */
interface Sorted {
	keys: Uint32Array;
	/** The first 64 bits of each hash. */
	first: Uint32Array;
	/** The hashes' indices; those with the key `k` are in the places from `starts[k]` up to `starts[k + 1]`. */
	order: Uint32Array;
	starts: Uint32Array;
}

/** Counting sort. */
function sortedByPart(hashes: Uint32Array, words: number, part: Part): Sorted {
	const count = hashes.length / words;
	const keys = Uint32Array.from({ length: count }, (_, i) => part.key(hashes[i * words], hashes[i * words + 1]));
	const starts = new Uint32Array(2 ** part.bits + 2);
	for (const key of keys) starts[key + 2]++;
	for (let key = 2; key < starts.length; key++) starts[key] += starts[key - 1];
	const order = new Uint32Array(count);
	for (let i = 0; i < count; i++) order[starts[keys[i] + 1]++] = i;
	const first = new Uint32Array(2 * count).map((_, i) => hashes[order[i >> 1] * words + (i & 1)]);
	return { keys: keys.map((_, i) => keys[order[i]]), first, order, starts };
}

/** Calls `onPair` with the pairs of two images that differ in one of `flips` in the part, and in `most` of the 64 bits. */
function lookUp(
	index: Sorted,
	queries: Sorted,
	part: Part,
	mask: Uint32Array,
	flips: number[],
	most: number,
	onPair: (a: number, b: number, distance: number) => void,
): void {
	const [high, low] = mask;
	for (const flip of flips) {
		const change = part.key(high, low) ^ flip;
		for (let i = 0; i < queries.order.length; i++) {
			const key = queries.keys[i] ^ change;
			// Among the hashes themselves a look-up finds a pair from both sides: take it from one.
			const end = queries === index ? Math.min(index.starts[key + 1], i) : index.starts[key + 1];
			for (let j = index.starts[key]; j < end; j++) {
				const distance =
					popCount(index.first[2 * j] ^ queries.first[2 * i] ^ high) +
					popCount(index.first[2 * j + 1] ^ queries.first[2 * i + 1] ^ low);
				if (distance > most) continue;
				const [a, b] = [index.order[j], queries.order[i]];
				if (a !== b) onPair(a, b, distance);
			}
		}
	}
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

/** Returns the number of differing bits after the first 64. */
function restDistance(hashes: Uint32Array, of: Uint32Array, mask: Uint32Array, a: number, b: number): number {
	let bits = 0;
	for (let i = 2; i < mask.length; i++) bits += popCount(hashes[a + i] ^ of[b + i] ^ mask[i]);
	return bits;
}

/** Counts the set bits of a word: in pairs, fours and bytes at once. */
function popCount(word: number): number {
	let count = word - ((word >>> 1) & 0x55555555);
	count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
	return (((count + (count >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
