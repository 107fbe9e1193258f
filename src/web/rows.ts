// An image row by row, and its resizing as in training.

/** A decoded image. */
export interface Rows {
	width: number;
	height: number;
	channels: number;
	/** Returns a row of pixels, 0–255, `channels` each; it is valid until the next call. */
	row(y: number): Uint8ClampedArray;
}

/** @throws a RangeError when an image has more pixels than `most` */
export function requireFewPixels(width: number, height: number, most: number): void {
	if (width * height > most) throw new RangeError(`${width} × ${height} pixels are more than ${most / 1e6} million`);
}

/**
 * Resizes an image to pixels of `[height, width]`: bilinear with half-pixel centres and without antialiasing, as
 * TensorFlow's `ResizeBilinear`, in its float32.
 */
export function resizeBilinear(
	{ width, height, channels, row }: Rows,
	[newHeight, newWidth]: [number, number],
): Float32Array {
	const [down, across] = [positions(height, newHeight), positions(width, newWidth)];
	const out = new Float32Array(newHeight * newWidth * channels);
	const line = newWidth * channels;
	for (let y = 0; y < newHeight; y++) {
		const { lower, upper, weight } = down[y];
		const above = resizeRow(row(lower), across, channels);
		const below = upper === lower ? above : resizeRow(row(upper), across, channels);
		for (let i = 0; i < line; i++) out[y * line + i] = above[i] + (below[i] - above[i]) * weight;
	}
	return out;
}

function resizeRow(pixels: Uint8ClampedArray, across: Position[], channels: number): Float32Array {
	const out = new Float32Array(across.length * channels);
	across.forEach(({ lower, upper, weight }, x) => {
		for (let c = 0; c < channels; c++) {
			const left = pixels[lower * channels + c];
			out[x * channels + c] = left + (pixels[upper * channels + c] - left) * weight;
		}
	});
	return out;
}

/** The two pixels of an axis that a new one lies between, and the weight of the second. */
type Position = { lower: number; upper: number; weight: number };

function positions(size: number, newSize: number): Position[] {
	const scale = Math.fround(size / newSize);
	return Array.from({ length: newSize }, (_, i) => {
		const at = Math.fround(Math.fround(Math.fround(i + 0.5) * scale) - 0.5);
		const floor = Math.floor(at);
		const [lower, upper] = [Math.max(floor, 0), Math.min(Math.ceil(at), size - 1)];
		return { lower, upper, weight: Math.fround(at - floor) };
	});
}
