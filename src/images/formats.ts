// Image formats: signatures, extensions, decoder, header size.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: signatures contain them.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";

/** An image format. */
export interface Format {
	/** Its name, for example `"JPEG"`. */
	name: string;
	/** The decoder that training uses; `null`: training cannot read the format. */
	decoder: "TensorFlow" | "sharp" | null;
	/** Its file extensions, in lower case. */
	extensions: string[];
}

/** Formats by their signatures, which match a file's first bytes read as Latin-1. The first match counts. */
const FORMATS: (Format & { signature: RegExp })[] = [
	{ name: "JPEG", decoder: "TensorFlow", extensions: [".jpg", ".jpeg"], signature: /^\xff\xd8\xff/ },
	{ name: "PNG", decoder: "TensorFlow", extensions: [".png"], signature: /^\x89PNG/ },
	{ name: "GIF", decoder: "TensorFlow", extensions: [".gif"], signature: /^GIF8/ },
	// TensorFlow decodes BMP with 8, 24 or 32 bits per pixel, without compression (0; or 3, which only sets channel masks).
	{ name: "BMP", decoder: "TensorFlow", extensions: [".bmp"], signature: /^BM.{26}[\x08\x18\x20]\0[\0\x03]/s },
	{ name: "packed BMP", decoder: null, extensions: [".bmp"], signature: /^BM.{4}\0{4}/s },
	// TensorFlow decodes WebP with transparency or several frames only when four channels are requested.
	{ name: "WebP", decoder: "TensorFlow", extensions: [".webp"], signature: /^RIFF.{4}WEBPVP8 /s },
	{ name: "WebP", decoder: "sharp", extensions: [".webp"], signature: /^RIFF.{4}WEBP/s },
	{ name: "AVIF", decoder: "sharp", extensions: [".avif"], signature: /^.{4}ftyp.{0,40}avi[fs]/s },
	{ name: "TIFF", decoder: "sharp", extensions: [".tif", ".tiff"], signature: /^(II[*+]\0|MM\0[*+])/ },
	{ name: "HEIC", decoder: null, extensions: [".heic", ".heif"], signature: /^.{4}ftyp(hei|hev|mif1|msf1)/s },
	{ name: "JPEG XL", decoder: null, extensions: [".jxl"], signature: /^(\xff\x0a|\0{3}\x0cJXL )/ },
	{ name: "JPEG 2000", decoder: null, extensions: [".jp2", ".j2k"], signature: /^(\0{3}\x0cjP|\xff\x4f\xff\x51)/ },
	{ name: "ICO", decoder: null, extensions: [".ico", ".cur"], signature: /^\0\0[\x01\x02]\0.{5}\0/s },
	{ name: "ICNS", decoder: null, extensions: [".icns"], signature: /^icns/ },
	{ name: "Photoshop", decoder: null, extensions: [".psd"], signature: /^8BPS/ },
	{ name: "SVG", decoder: null, extensions: [".svg"], signature: /^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*>\s*)?<svg/ },
	{ name: "OpenEXR", decoder: null, extensions: [".exr"], signature: /^\x76\x2f\x31\x01/ },
	{ name: "DirectDraw surface", decoder: null, extensions: [".dds"], signature: /^DDS \x7c/ },
	{ name: "Netpbm", decoder: null, extensions: [".pbm", ".pgm", ".ppm", ".pnm"], signature: /^P[1-7]\s/ },
];

/** Extensions of the files that are read: Keras's and AVIF, TIFF, WebP. Other files are ignored. */
export const IMAGE_EXTENSIONS = [
	...new Set(FORMATS.filter(({ decoder }) => decoder).flatMap(({ extensions }) => extensions)),
].sort();

/** The most pixels that are decoded. Larger images are rejected by their header, as by Pillow: twice its `MAX_IMAGE_PIXELS`. */
export const MAX_PIXELS = 178_956_970;

/** The header of an image file. */
export interface Head {
	format: Format | null;
	/** The size in the header; `null` when it has none, or sharp decodes the format. */
	size: Size | null;
}
/** An image size in pixels. */
export interface Size {
	width: number;
	height: number;
	/** The number of decoded pixels, those of all frames. */
	pixels: number;
}

/** The number of bytes that hold most headers. A JPEG's can be longer, and more is read when needed. */
const HEAD = 4096;
const shared = Buffer.alloc(HEAD);

/**
 * Reads the header of an image file: its format and size.
 *
 * @throws the system's error when the file cannot be read
 */
export function readHead(path: string): Head {
	const file = openSync(path, "r");
	try {
		const head = shared.subarray(0, readSync(file, shared, 0, HEAD, 0));
		const format = formatOf(head);
		if (!format) return { format, size: null };
		const read: Read = (at, size) => {
			if (at + size <= head.length) return head.subarray(at, at + size);
			const more = Buffer.alloc(size);
			return more.subarray(0, readSync(file, more, 0, size, at));
		};
		return { format, size: sizeOf(format.name, read, path) };
	} finally {
		closeSync(file);
	}
}

/** Returns the format of a file's content; `null` for an unknown format, or a file that cannot be read. */
export function formatOfFile(path: string): Format | null {
	try {
		return statSync(path).isFile() ? readHead(path).format : null;
	} catch {
		return null;
	}
}

/** Returns the format of a file from its first bytes; `null` for an unknown format. */
export function formatOf(bytes: Uint8Array): Format | null {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString("latin1");
	return FORMATS.find(({ signature }) => signature.test(text)) ?? null;
}

/** Reads bytes of a file; fewer at its end. */
type Read = (at: number, size: number) => Buffer;

function sizeOf(name: string, read: Read, path: string): Size | null {
	if (name === "JPEG") return jpegSize(read);
	if (name === "GIF") return gifSize(readFileSync(path));
	const header = read(0, 32);
	if (header.length < 32) return null;
	if (name === "PNG") return toSize(header.readUInt32BE(16), header.readUInt32BE(20));
	if (name === "BMP") return toSize(Math.abs(header.readInt32LE(18)), Math.abs(header.readInt32LE(22)));
	if (name === "WebP") return toSize(header.readUInt16LE(26) & 0x3fff, header.readUInt16LE(28) & 0x3fff);
	return null;
}

const toSize = (width: number, height: number): Size => ({ width, height, pixels: width * height });

/** Returns the size from a JPEG's frame header, which is found by skipping from marker to marker, as in libjpeg. */
function jpegSize(read: Read): Size | null {
	for (let at = 2; ; ) {
		const bytes = read(at, 9);
		if (bytes.length < 9) return null;
		const [mark, kind] = bytes;
		const holdsSize = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
		if (mark !== 0xff || kind === 0xff || kind === 0) at++;
		else if (holdsSize) return toSize(bytes.readUInt16BE(7), bytes.readUInt16BE(5));
		else if (kind === 1 || (kind >= 0xd0 && kind <= 0xd8)) at += 2;
		else if (kind === 0xd9 || kind === 0xda) return null;
		else at += 2 + bytes.readUInt16BE(2);
	}
}

/** Counts the pixels of all frames of a GIF: TensorFlow decodes all of them, with one byte per pixel instead of three. */
function gifSize(bytes: Buffer): Size | null {
	if (bytes.length < 13) return null;
	const colourTable = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
	const canvas = toSize(bytes.readUInt16LE(6), bytes.readUInt16LE(8));
	let frames = 0;
	for (let at = 13 + colourTable(bytes[10]); at + 10 < bytes.length && bytes[at] !== 0x3b; ) {
		if (bytes[at] === 0x2c) {
			frames += bytes.readUInt16LE(at + 5) * bytes.readUInt16LE(at + 7);
			at += 11 + colourTable(bytes[at + 9]);
		} else if (bytes[at] === 0x21) at += 2;
		else break;
		while (bytes[at]) at += 1 + bytes[at];
		at++;
	}
	return { ...canvas, pixels: Math.max(canvas.pixels, frames / 3) };
}
