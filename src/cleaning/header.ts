// Checks that read a file's header and checksums but decode no pixels: what Pillow's `verify()` does.
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { formatOfFile, inspectFile, jpegMarkers, type Read, readHead, START_OF_SCAN } from "../images/formats";
import { isReadable } from "../support/files";
import { pngChunks } from "./container";

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

/** Returns whether a JPEG's header is whole: its segments end where the pixels begin. */
function reachesScan(_: unknown, read: Read): boolean {
	return [...jpegMarkers(read)].at(-1)?.kind === START_OF_SCAN;
}

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

/** Returns whether the checksum of each chunk of a PNG is that of its content, up to the last chunk. */
function hasValidChecksums(bytes: Buffer): boolean {
	for (const { name, isValid } of pngChunks(bytes)) {
		// Pillow reads up to the name of the last chunk.
		if (name === "IEND") return true;
		if (!isValid()) return false;
	}
	return false;
}
