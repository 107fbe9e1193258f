// pHash of a greyscale thumbnail.

/**
 * Computes pHash: one bit for each of the lowest frequencies of the discrete cosine transform, 1 when it is above their
 * median.
 *
 * @param grey pixels 0–255, row by row
 * @returns 64 bits of 8 × 8 frequencies, by which similar images are searched; then 256 bits of 16 × 16 frequencies, which
 *   confirm a match
 */
export function perceptualHash(grey: Uint8Array, width: number, height: number): Uint32Array {
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
	const low = frequencies.filter((_, i) => i % 16 < 8 && i < 128);
	return Uint32Array.from([...aboveMedian(low), ...aboveMedian(frequencies)]);
}

function product(a: Float64Array, b: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < b.length; i++) sum += a[i] * b[i];
	return sum;
}

/** Returns one bit for each value, in words of 32. */
function aboveMedian(values: Float64Array): Uint32Array {
	const sorted = values.slice().sort();
	const median = (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
	const words = new Uint32Array(values.length / 32);
	for (let i = 0; i < values.length; i++) if (values[i] > median) words[i >> 5] |= 1 << (31 - (i & 31));
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
