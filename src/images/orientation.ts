// The orientation of images: EXIF's tag, and the rotation and mirroring of AVIF.
import { inspectFile, jpegMarkers, MOST_STEPS, type Read } from "./formats";

/** How an image of each EXIF orientation is turned: first transposed, then reversed along axes (0 rows, 1 columns). */
export const TURNS: Record<number, { transpose: boolean; reverse: number[] }> = {
	2: { transpose: false, reverse: [1] },
	3: { transpose: false, reverse: [0, 1] },
	4: { transpose: false, reverse: [0] },
	5: { transpose: true, reverse: [] },
	6: { transpose: true, reverse: [1] },
	7: { transpose: true, reverse: [0, 1] },
	8: { transpose: true, reverse: [0] },
};

/**
 * Reads the orientation of an image file: its EXIF tag; of AVIF, which must ignore that tag, its rotation and mirroring.
 *
 * @returns 1–8 as in EXIF; 1 (upright) when it has none
 * @throws the system's error when the file cannot be read
 */
export const readOrientation = (path: string): number =>
	inspectFile(path, (format, read) => orientationOf(format?.name, read));

/**
 * Returns the orientation of an image, see `readOrientation`.
 *
 * @param format the name of its format
 * @param read reads its bytes
 */
export function orientationOf(format: string | undefined, read: Read): number {
	if (format === "AVIF") return avifOrientation(read);
	const start = startOfExif(format, read);
	const [orientation] = (start === null ? undefined : tiffTags(read, start).get(0x0112)) ?? [];
	return orientation in TURNS ? orientation : 1;
}

/** Returns where the TIFF structure of a file begins that holds its EXIF tags; `null` when it has none. */
function startOfExif(format: string | undefined, read: Read): number | null {
	if (format === "TIFF") return 0;
	if (format === "JPEG") {
		for (const { kind, at } of jpegMarkers(read)) if (kind === 0xe1 && startsWithExif(read, at + 4)) return at + 10;
	}
	if (format === "PNG") return chunk(read, 8, (bytes) => [bytes.readUInt32BE(0) + 12, bytes.toString("latin1", 4, 8)]);
	if (format !== "WebP") return null;
	const padded = (size: number) => size + (size % 2) + 8;
	const start = chunk(read, 12, (bytes) => [padded(bytes.readUInt32LE(4)), bytes.toString("latin1", 0, 4)]);
	return start !== null && startsWithExif(read, start) ? start + 6 : start;
}

const startsWithExif = (read: Read, at: number) => read(at, 6).toString("latin1") === "Exif\0\0";

/** Returns where the content of the first EXIF chunk begins. */
function chunk(read: Read, first: number, head: (bytes: Buffer) => [size: number, name: string]): number | null {
	for (let at = first, steps = 0; steps < MOST_STEPS; steps++) {
		const bytes = read(at, 8);
		if (bytes.length < 8) return null;
		const [size, name] = head(bytes);
		if (name.toLowerCase() === "exif") return at + 8;
		at += size;
	}
	return null;
}

/** The bytes of a number in a TIFF structure, by its type: byte, short, long, long8. */
const SIZES: Record<number, number> = { 1: 1, 3: 2, 4: 4, 16: 8 };

/**
 * Returns the tags of the first directory of a TIFF structure (TIFF, BigTIFF or EXIF) that hold numbers.
 *
 * @param base where the structure begins
 * @param most the most numbers of a tag that are read. Default 16
 */
export function tiffTags(read: Read, base = 0, most = 16): Map<number, number[]> {
	const tags = new Map<number, number[]>();
	const [{ number, width, entry, directory }] = tiffDirectories(read, base);
	for (let at = 0; at + entry <= directory.length; at += entry) {
		const size = SIZES[number(directory, at + 2, 2)];
		if (!size) continue;
		const length = Math.min(number(directory, at + 4, width), most);
		const value = at + 4 + width;
		const isInline = size * number(directory, at + 4, width) <= width;
		const data = isInline ? directory.subarray(value) : read(base + number(directory, value, width), size * length);
		tags.set(
			number(directory, at, 2),
			Array.from({ length }, (_, i) => number(data, i * size, size)),
		);
	}
	return tags;
}

/**
 * Yields the directories of a TIFF structure, at least one: `directory`, its bytes, fewer than those of its `entries` where the
 * file ends; `entry`, the bytes of each; `width`, those of a position; `number`, which reads a number, `NaN` beyond the end.
 */
export function* tiffDirectories(read: Read, base = 0) {
	const isLittle = read(base, 1).toString("latin1") === "I";
	const number = (bytes: Buffer, at: number, size: number): number => {
		if (at + size > bytes.length) return Number.NaN;
		if (size <= 4) return isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
		return Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
	};
	const head = read(base, 16);
	const isBig = number(head, 2, 2) === 43;
	const [counting, width] = isBig ? [8, 8] : [2, 4];
	const entry = 4 + 2 * width;
	let next = number(head, width, width);
	// Directories can be a circle.
	for (let steps = 0; steps === 0 || (next && steps < 4096); steps++) {
		const start = base + next + counting;
		const entries = Math.min(number(read(start - counting, counting), 0, counting) || 0, 4096);
		const directory = read(start, entry * entries);
		yield { number, width, entry, entries, directory };
		next = number(read(start + entry * entries, width), 0, width);
	}
}

/** EXIF's orientation for the angle of AVIF's `irot` (90° anticlockwise each), without `imir` and with its axis 0 or 1. */
const AVIF_ORIENTATIONS = [
	[1, 4, 2],
	[8, 5, 7],
	[3, 2, 4],
	[6, 7, 5],
];

function avifOrientation(read: Read): number {
	const properties = avifTurns(read).map(({ type, at }) => [type, read(at, 1)[0]] as const);
	const angle = properties.find(([type]) => type === "irot")?.[1] ?? 0;
	const axis = properties.find(([type]) => type === "imir")?.[1];
	return AVIF_ORIENTATIONS[angle & 3][axis === undefined ? 0 : (axis & 1) + 1];
}

/** Returns AVIF's properties that turn the image: `irot` and `imir`, each with the position of its value of one byte. */
export function avifTurns(read: Read): { type: string; at: number }[] {
	const inside = (type: string, range: Box | undefined, skip = 0): Box | undefined =>
		range && boxes(read, range.at + skip, range.end).find((box) => box.type === type);
	const meta = inside("meta", { type: "", at: 0, end: Number.MAX_SAFE_INTEGER, isWhole: true });
	const properties = inside("ipco", inside("iprp", meta, 4));
	if (!properties) return [];
	return boxes(read, properties.at, properties.end).filter(
		({ type, at, end }) => (type === "irot" || type === "imir") && at < end,
	);
}

/** A box of an AVIF file: where its content begins and ends, and whether that is inside of the box or file around it. */
type Box = { type: string; at: number; end: number; isWhole: boolean };

/** Returns the boxes of an AVIF file that begin between two positions. */
export function boxes(read: Read, start: number, end: number): Box[] {
	const found: Box[] = [];
	for (let at = start; at + 8 <= end && found.length < 1000; ) {
		const head = read(at, 16);
		if (head.length < 8) break;
		const short = head.readUInt32BE(0);
		const isLong = short === 1 && head.length === 16;
		const size = isLong ? Number(head.readBigUInt64BE(8)) : short;
		if (size !== 0 && size < (isLong ? 16 : 8)) break;
		// A size of 0: up to the end.
		const next = size === 0 ? end : Math.min(end, at + size);
		const isWhole = at + size <= end;
		found.push({ type: head.toString("latin1", 4, 8), at: at + (isLong ? 16 : 8), end: next, isWhole });
		at = next;
	}
	return found;
}
