// Measures brightness, entropy, sharpness, colour and size of images.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { isReadable, readRegularFile } from "../support/files";
import { inChunks } from "../support/iteration";
import { mapFiles } from "../tensorflow/file-map";
import { inspectFile, MAX_PIXELS, sizeOf } from "./formats";
import { greyLevel } from "./grey";
import { orientationOf } from "./orientation";
import { type PerceptualHash, perceptualHash } from "./perceptual-hash";
import { decodeRaw } from "./raw";
import { BYTES, reduceFunction, SIDE } from "./thumbnail-graph";

/** The measured properties of an image. Brightness is in 0–1, where 1 is white. */
export interface ImageProperties extends PerceptualHash {
	path: string;
	/** The format of the content, whatever the extension, for example `"JPEG"`. */
	format: string;
	/** The file's size in bytes. */
	bytes: number;
	/** The size in pixels. */
	width: number;
	height: number;
	/** The EXIF orientation, 1–8; 1: upright, or not known. See `readOrientation`. */
	orientation: number;
	/** The mean brightness. */
	brightness: number;
	/** The 5th and the 99th percentile of brightness. */
	brightness5: number;
	brightness99: number;
	/** The entropy of the histogram of all channels, in bits: about 7–9.5 for photographs, 0 for a single grey. */
	entropy: number;
	/** The standard deviation of the edges, 0–255, in a thumbnail of at most 64 × 64 pixels. */
	edges: number;
	/** The standard deviation of the counts of the 256 grey levels in the thumbnail. */
	greyDeviation: number;
	/** The 99th percentile of the difference between a pixel's largest and smallest channel, 0–1. */
	colourfulness: number;
}

/**
 * Measures brightness, entropy, sharpness, colour and size of images, and their perceptual hashes.
 *
 * @param paths image files; those that cannot be decoded are skipped
 * @returns the properties, in no particular order
 */
export async function* imageProperties(paths: Iterable<string>): AsyncGenerator<ImageProperties, void, undefined> {
	const folder = mkdtempSync(join(tmpdir(), "properties-"));
	try {
		for await (const chunk of inChunks(paths, 512)) {
			const files: (File | null)[] = [];
			// A few at a time: sharp's pixels are in memory.
			for await (const few of inChunks(chunk.entries(), 8)) {
				files.push(...(await Promise.all(few.map(([i, path]) => toFile(path, join(folder, `${i}.png`))))));
			}
			for (const ratio of [0, 1, 2, 4, 8]) yield* measureFiles(files.filter((file) => file?.ratio === ratio) as File[]);
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** A file that TensorFlow decodes: the image, or a copy of it as PNG. */
type File = Pick<ImageProperties, "path" | "format" | "bytes" | "width" | "height" | "orientation"> & {
	readable: string;
	/** How much smaller a JPEG is decoded, see `decodeSmallJpegNodes`; 0 for other formats. */
	ratio: number;
};

async function toFile(path: string, converted: string): Promise<File | null> {
	try {
		if (!isReadable(path)) return null;
		const { format, size, orientation } = inspectFile(path, (format, read) => ({
			format,
			size: format && sizeOf(format, read, path),
			orientation: orientationOf(format?.name, read),
		}));
		if (!format?.decoder) return null;
		const common = { path, format: format.name, bytes: statSync(path).size, orientation };
		if (format.decoder !== "TensorFlow") {
			const { data, width, height, channels } = await decodeRaw(format, await readRegularFile(path));
			await sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 1 }).toFile(converted);
			return { ...common, readable: converted, width, height, ratio: 0 };
		}
		if (!size || size.pixels > MAX_PIXELS) return null;
		// The decoded image keeps at least 100,000 pixels, if it has as many.
		const ratio = format.name === "JPEG" ? ([8, 4, 2].find((by) => size.pixels / by ** 2 > 1e5) ?? 1) : 0;
		return { ...common, readable: path, width: size.width, height: size.height, ratio };
	} catch {
		return null;
	}
}

/** Measures files with the same ratio. */
function* measureFiles(files: File[]): Generator<ImageProperties> {
	if (files.length === 0) return;
	const paths = files.map(({ readable }) => readable);
	const results = mapFiles(paths, reduceFunction(files[0].ratio), { chunk: 32, ahead: 2 });
	try {
		for (let chunk = results.next(); chunk; chunk = results.next()) {
			const values = chunk.values.dataSync<"int32">();
			const length = values.length / chunk.indices.length;
			chunk.values.dispose();
			for (const [i, file] of chunk.indices.entries()) {
				const { readable: _, ratio: __, ...properties } = files[file];
				yield { ...properties, ...measure(values.subarray(i * length, (i + 1) * length)) };
			}
		}
	} finally {
		results.stop();
	}
}

/** @param result the output of `reduceFunction` for one image */
function measure(result: Int32Array) {
	const [height, width] = result;
	const bytes = new Uint8Array(result.buffer, result.byteOffset + 8, 2 * BYTES);
	const grey = greyOf(bytes.subarray(0, BYTES), width, height);
	return {
		...coloursOf(bytes.subarray(BYTES)),
		edges: edgesOf(grey, width, height),
		greyDeviation: deviation(histogram(grey)),
		...perceptualHash(grey, width, height),
	};
}

/** Returns the image in the upper left corner of a 64 × 64 canvas, in grey as by Pillow's `convert("L")`. */
function greyOf(rgb: Uint8Array, width: number, height: number): Uint8Array {
	const grey = new Uint8Array(width * height);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const i = 3 * (y * SIDE + x);
			grey[y * width + x] = greyLevel(rgb[i], rgb[i + 1], rgb[i + 2]);
		}
	}
	return grey;
}

function coloursOf(rgb: Uint8Array) {
	// Four bins for each of the 256 levels of brightness.
	const brightness = new Uint32Array(4 * 255 + 1);
	const spread = new Uint32Array(256);
	const channels = new Uint32Array(3 * 256);
	let total = 0;
	for (let i = 0; i < rgb.length; i += 3) {
		const r = rgb[i];
		const g = rgb[i + 1];
		const b = rgb[i + 2];
		const bright = Math.sqrt(0.241 * r * r + 0.691 * g * g + 0.068 * b * b);
		total += bright;
		brightness[Math.round(4 * bright)]++;
		spread[Math.max(r, g, b) - Math.min(r, g, b)]++;
		channels[r]++;
		channels[256 + g]++;
		channels[512 + b]++;
	}
	const pixels = rgb.length / 3;
	const colourfulness = percentile(spread, pixels, 0.99) / 255;
	return {
		brightness: total / pixels / 255,
		brightness5: percentile(brightness, pixels, 0.05) / (brightness.length - 1),
		brightness99: percentile(brightness, pixels, 0.99) / (brightness.length - 1),
		// A greyscale image counts as one channel.
		entropy: entropyOf(colourfulness === 0 ? channels.subarray(0, 256) : channels),
		colourfulness,
	};
}

/** Returns the lowest level that a fraction (0–1) of the counted values are at or below. */
function percentile(counts: Uint32Array, total: number, fraction: number): number {
	let [level, below] = [0, counts[0]];
	while (below < fraction * total) below += counts[++level];
	return level;
}

function entropyOf(counts: Uint32Array): number {
	const total = counts.reduce((sum, count) => sum + count);
	let entropy = 0;
	for (const count of counts) if (count > 0) entropy -= (count / total) * Math.log2(count / total);
	return entropy;
}

function histogram(grey: Uint8Array): Uint32Array {
	const counts = new Uint32Array(256);
	for (const level of grey) counts[level]++;
	return counts;
}

/** Returns the standard deviation of Pillow's FIND_EDGES: eight times a pixel minus its neighbours; the border is copied. */
function edgesOf(grey: Uint8Array, width: number, height: number): number {
	const edges = Uint8ClampedArray.from(grey);
	for (let y = 1; y < height - 1; y++) {
		for (let i = y * width + 1; i < (y + 1) * width - 1; i++) {
			const [above, below] = [i - width, i + width];
			const around = grey[above - 1] + grey[above] + grey[above + 1] + grey[below - 1] + grey[below] + grey[below + 1];
			edges[i] = 8 * grey[i] - around - grey[i - 1] - grey[i + 1];
		}
	}
	return deviation(edges);
}

function deviation(values: ArrayLike<number>): number {
	let [sum, squares] = [0, 0];
	for (let i = 0; i < values.length; i++) {
		sum += values[i];
		squares += values[i] ** 2;
	}
	const mean = sum / values.length;
	return Math.sqrt(Math.max(0, squares / values.length - mean ** 2));
}
