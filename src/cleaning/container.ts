// The structure of image files, from the signature to the last segment, without decoding pixels.
import zlib from "node:zlib";
import { type Format, gifFrames, jpegMarkers, MOST_STEPS, type Read, START_OF_SCAN } from "../images/formats";
import { boxes, tiffDirectories, tiffTags } from "../images/orientation";

/**
 * Returns whether the container of an image file is whole, as far as decoders need it: its segments, chunks or boxes follow one
 * another up to the end of the image, and none reaches beyond the end of the file. What follows the image is not looked at.
 *
 * @param format its format, one that training can read
 * @param read reads its bytes
 * @param size its number of bytes
 */
export function isWholeContainer({ name }: Format, read: Read, size: number): boolean {
	return CONTAINERS[name](read, size);
}

const CONTAINERS: Record<string, (read: Read, size: number) => boolean> = {
	JPEG: isWholeJpeg,
	PNG: isWholePng,
	// Decoders read the frames before the first that is damaged, and training reads the first frame.
	GIF: (read, size) => gifFrames(read(0, size)).next().value?.isWhole === true,
	BMP: isWholeBmp,
	WebP: isWholeWebp,
	TIFF: isWholeTiff,
	AVIF: isWholeAvif,
};

const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** Segments up to the scan, and then an end. Its marker is found without reading the pixels, in which it cannot occur. */
function isWholeJpeg(read: Read, size: number): boolean {
	const last = [...jpegMarkers(read)].at(-1);
	if (last?.kind !== START_OF_SCAN) return false;
	// Most files end with the marker, or a few bytes later.
	const tail = Math.max(last.at, size - 256);
	return read(tail, size - tail).includes(END_OF_IMAGE) || read(last.at, size - last.at).includes(END_OF_IMAGE);
}

/** Chunks up to the last. As in libpng, a wrong checksum matters in the chunks that are needed: their names begin with a capital. */
function isWholePng(read: Read, size: number): boolean {
	for (const { name, isValid } of pngChunks(read(0, size))) {
		if (name[0] < "a" && !isValid()) return false;
		if (name === "IEND") return true;
	}
	return false;
}

/** Yields the chunks of a PNG, the last of which can be cut; `isValid` compares the checksum (CRC-32). */
export function* pngChunks(bytes: Buffer): Generator<{ name: string; isValid: () => boolean }> {
	for (let at = 8; at + 8 <= bytes.length; ) {
		const [start, end] = [at + 4, at + 8 + bytes.readUInt32BE(at)];
		const isValid = () => end + 4 <= bytes.length && bytes.readUInt32BE(end) === crc32(bytes.subarray(start, end));
		yield { name: bytes.toString("latin1", start, start + 4), isValid };
		at = end + 4;
	}
}

function isWholeBmp(read: Read, size: number): boolean {
	const header = read(0, 30);
	const [width, height] = [Math.abs(header.readInt32LE(18)), Math.abs(header.readInt32LE(22))];
	return header.readUInt32LE(10) + 4 * Math.ceil((width * header.readUInt16LE(28)) / 32) * height <= size;
}

/** The size in its head is not more than the file's, and the chunks up to the pixels, or the first frame, are inside of it. */
function isWholeWebp(read: Read, size: number): boolean {
	const end = read(4, 4).readUInt32LE(0) + 8;
	if (end > size) return false;
	for (let at = 12; at + 8 <= end; ) {
		const head = read(at, 8);
		at += 8 + head.readUInt32LE(4);
		if (at > end) return false;
		if (["VP8 ", "VP8L", "ANMF"].includes(head.toString("latin1", 0, 4))) return true;
		at += at % 2;
	}
	return true;
}

/** Tags with the positions of the pixels, and with their numbers of bytes: of strips, and of tiles. */
const PIXELS = [
	[273, 279],
	[324, 325],
];

/** The bytes of a value, by its type. */
const VALUES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** All directories, and what the first points to: values and pixels. */
function isWholeTiff(read: Read, size: number): boolean {
	const directories = [...tiffDirectories(read)];
	if (directories.some(({ directory, entries, entry }) => directory.length < Math.max(1, entries) * entry))
		return false;
	const [{ number, width, entry, directory }] = directories;
	for (let at = 0; at < directory.length; at += entry) {
		const bytes = (VALUES[number(directory, at + 2, 2)] ?? 0) * number(directory, at + 4, width);
		if (bytes > width && number(directory, at + 4 + width, width) + bytes > size) return false;
	}
	const tags = tiffTags(read, 0, MOST_STEPS);
	const pixels = PIXELS.find(([start]) => tags.has(start));
	if (!pixels) return false;
	const [positions, bytes] = pixels.map((tag) => tags.get(tag) ?? []);
	return positions.every((position, i) => position + (bytes[i] ?? 0) <= size);
}

/** The description, and the pixels where it says that they are. */
function isWholeAvif(read: Read, size: number): boolean {
	const meta = boxes(read, 0, size).find(({ type }) => type === "meta");
	const places = meta && boxes(read, meta.at + 4, meta.end).find(({ type }) => type === "iloc");
	if (!meta?.isWhole || !places) return false;
	return avifExtents(read(places.at, places.end - places.at)).every((end) => end <= size);
}

/** Returns where the parts of an AVIF's items end in the file, from its box `iloc`. */
function avifExtents(iloc: Buffer): number[] {
	let at = 0;
	const take = (bytes: number): number => {
		at += bytes;
		if (at > iloc.length || (bytes > 4 && bytes !== 8)) return Number.NaN;
		if (bytes === 8) return Number(iloc.readBigUInt64BE(at - 8));
		return bytes === 0 ? 0 : iloc.readUIntBE(at - bytes, bytes);
	};
	const version = take(4) >>> 24;
	const sizes = take(2);
	const [offsets, lengths, bases, indices] = [12, 8, 4, 0].map((shift) => (sizes >> shift) & 15);
	const wide = version < 2 ? 2 : 4;
	const ends: number[] = [];
	for (let items = take(wide); items > 0 && at <= iloc.length; items--) {
		take(wide);
		// 0: positions in the file; 1: in the description.
		const method = version > 0 ? take(2) & 15 : 0;
		take(2);
		const base = take(bases);
		for (let extents = take(2); extents > 0 && at <= iloc.length; extents--) {
			take(version > 0 ? indices : 0);
			const end = base + take(offsets) + take(lengths);
			if (method === 0) ends.push(end);
		}
	}
	return ends;
}

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	return crc;
});

/** Returns the CRC-32 of ISO 3309, as in PNG and zip. Node's own came with 20.15. */
const crc32: (bytes: Uint8Array) => number =
	zlib.crc32 ??
	((bytes) => {
		let crc = 0xffffffff;
		for (const byte of bytes) crc = CRCS[(crc ^ byte) & 0xff] ^ (crc >>> 8);
		return (crc ^ 0xffffffff) >>> 0;
	});
