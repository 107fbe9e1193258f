// pHash of a greyscale thumbnail, and a variant of it that tells mirrored and turned copies.

/** Perceptual hashes of an image, in words of 32 bits. */
export interface PerceptualHash {
	/**
	 * pHash: 64 bits of 8 × 8 frequencies, by which similar images are searched; then 256 bits of 16 × 16 frequencies, which
	 * confirm a match. A bit is 1 when the frequency is above the median.
	 */
	hash: Uint32Array;
	/** The signs of the same frequencies, see `SYMMETRIES`: a bit is 1 when the frequency is above 0. */
	signs: Uint32Array;
}

/**
 * Computes pHash: one bit for each of the lowest frequencies of the discrete cosine transform.
 *
 * @param grey pixels 0–255, row by row
 */
export function perceptualHash(grey: Uint8Array, width: number, height: number): PerceptualHash {
	const [across, down] = [cosines(width), cosines(height)];
	const rows = new Float64Array(16 * height);
	for (let y = 0; y < height; y++) {
		const line = Float64Array.from(grey.subarray(y * width, (y + 1) * width));
		for (let k = 0; k < 16; k++) rows[k * height + y] = product(across[k], line);
	}
	const frequencies = new Float64Array(256);
	for (let k = 0; k < 16; k++) {
		const column = rows.subarray(k * height, (k + 1) * height);
		for (let j = 0; j < 16; j++) frequencies[j * 16 + k] = product(down[j], column);
	}
	return { hash: bitsOf(frequencies, median), signs: bitsOf(frequencies, () => 0) };
}

/** Returns one bit for each of the 8 × 8 lowest of 16 × 16 frequencies, and one for each of all, in words of 32. */
function bitsOf(frequencies: Float64Array, threshold: (values: Float64Array) => number): Uint32Array {
	const low = frequencies.filter((_, i) => i % 16 < 8 && i < 128);
	return Uint32Array.from([low, frequencies].flatMap((values) => [...above(threshold(values), values)]));
}

/** A reflection of an image, or a rotation by a multiple of 90°. */
export interface Symmetry {
	kind: "mirrored" | "turned";
	/** Whether the image is transposed first. */
	transposed: boolean;
	/** The bits of `signs` that change then. */
	mask: Uint32Array;
}

/**
 * The reflections of an image, and its rotations by 90°, 180° and 270°. Mirroring an image changes the signs of the
 * frequencies that are odd along that axis, and nothing else; transposing an image transposes its frequencies.
 */
export const SYMMETRIES: Symmetry[] = [
	{ kind: "mirrored", transposed: false, mask: oddFrequencies(1, 0) },
	{ kind: "mirrored", transposed: false, mask: oddFrequencies(0, 1) },
	{ kind: "turned", transposed: false, mask: oddFrequencies(1, 1) },
	{ kind: "mirrored", transposed: true, mask: oddFrequencies(0, 0) },
	{ kind: "turned", transposed: true, mask: oddFrequencies(1, 0) },
	{ kind: "turned", transposed: true, mask: oddFrequencies(0, 1) },
	{ kind: "mirrored", transposed: true, mask: oddFrequencies(1, 1) },
];

/** Returns the bits of the frequencies that are odd across (1, 0), down (0, 1), or along just one of the two (1, 1). */
function oddFrequencies(across: number, down: number): Uint32Array {
	const isOdd = (_: unknown, i: number) => (across * (i % 16) + down * (i >> 4)) % 2;
	return bitsOf(Float64Array.from({ length: 256 }, isOdd), () => 0);
}

/** Returns the signs of the transposed image. */
export function transposed(signs: Uint32Array): Uint32Array {
	const result = new Uint32Array(signs.length);
	for (const [first, size] of [
		[0, 8],
		[2, 16],
	]) {
		for (let from = 0; from < size * size; from++) {
			if (((signs[first + (from >> 5)] >>> (31 - (from & 31))) & 1) === 0) continue;
			const to = (from % size) * size + Math.floor(from / size);
			result[first + (to >> 5)] |= 1 << (31 - (to & 31));
		}
	}
	return result;
}

function product(a: Float64Array, b: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < b.length; i++) sum += a[i] * b[i];
	return sum;
}

function median(values: Float64Array): number {
	const sorted = values.slice().sort();
	return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
}

/** Returns one bit for each value, in words of 32. */
function above(threshold: number, values: Float64Array): Uint32Array {
	const words = new Uint32Array(values.length / 32);
	for (let i = 0; i < values.length; i++) if (values[i] > threshold) words[i >> 5] |= 1 << (31 - (i & 31));
	return words;
}

const tables = new Map<number, Float64Array[]>();

/** Returns the cosines of the 16 lowest frequencies over `length` samples, cached. */
function cosines(length: number): Float64Array[] {
	const cached = tables.get(length);
	if (cached) return cached;
	const cosine = (k: number) =>
		Float64Array.from({ length }, (_, i) => Math.cos((Math.PI * (2 * i + 1) * k) / (2 * length)));
	const table = Array.from({ length: 16 }, (_, k) => cosine(k));
	tables.set(length, table);
	return table;
}
