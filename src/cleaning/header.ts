// Checks that read a file's header and checksums but decode no pixels: what Pillow's `verify()` does.
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { formatOfFile, inspectFile, jpegMarkers, type Read, readHead } from "../images/formats";
import { isReadable } from "../support/files";

/** Formats whose size is read without sharp, which does not know BMP and decodes a part of JPEG and GIF. */
const FIELDS = ["JPEG", "GIF", "BMP"];

/**
 * Returns whether the header of an image file can be read: its format is known, and it has a size. Pixels are not decoded.
 *
 * Formats that keep their size in fixed fields are read there, the others by sharp's `metadata()`.
 */
export async function hasReadableHeader(path: string): Promise<boolean> {
	try {
		if (!isReadable(path)) return false;
		const { format, size } = readHead(path);
		if (format && FIELDS.includes(format.name))
			return size !== null && size.pixels > 0 && (format.name !== "JPEG" || inspectFile(path, reachesScan));
		const { width, height } = await sharp(path).metadata();
		return width * height > 0;
	} catch {
		return false;
	}
}

/** Returns whether a JPEG's header is whole: its segments end at the marker where the pixels begin, "start of scan". */
function reachesScan(_: unknown, read: Read): boolean {
	let end = 2;
	for (const { at } of jpegMarkers(read)) end = at + 2 + read(at, 4).readUInt16BE(2);
	return read(end, 2).equals(START_OF_SCAN);
}

const START_OF_SCAN = Buffer.from([0xff, 0xda]);

/**
 * Returns whether an image file passes what `Image.open(path).verify()` of Python's Pillow checks: the header, and in a PNG
 * the checksum (CRC-32) of each chunk. Of other formats Pillow checks nothing more than the header.
 *
 * The verdicts on PNG and WebP are Pillow's; where the header itself of another format is damaged they can differ.
 */
export async function passesVerify(path: string): Promise<boolean> {
	if (!(await hasReadableHeader(path))) return false;
	return formatOfFile(path)?.name !== "PNG" || hasValidChecksums(readFileSync(path));
}

const END = "IEND";

/** Returns whether the checksum of each chunk of a PNG is that of its content, and the last chunk is there. */
function hasValidChecksums(bytes: Buffer): boolean {
	for (let at = 8; at + 8 <= bytes.length; ) {
		const end = at + 8 + bytes.readUInt32BE(at);
		const name = bytes.toString("latin1", at + 4, at + 8);
		// Pillow reads up to the name of the last chunk.
		if (name === END) return true;
		if (end + 4 > bytes.length || bytes.readUInt32BE(end) !== crc32(bytes.subarray(at + 4, end))) return false;
		at = end + 4;
	}
	return false;
}

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	return crc;
});

/** Returns the CRC-32 of ISO 3309, as in PNG and zip. Node's own, `zlib.crc32`, came with 20.15. */
function crc32(bytes: Uint8Array): number {
	let crc = 0xffffffff;
	for (const byte of bytes) crc = CRCS[(crc ^ byte) & 0xff] ^ (crc >>> 8);
	return (crc ^ 0xffffffff) >>> 0;
}
