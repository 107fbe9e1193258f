// Image formats: signatures, extensions, decoder, header size.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: signatures contain them.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";

/** An image format. */
export interface Format {
	/** Its name, for example `"JPEG"`. */
	name: string;
	/** The decoder that training uses; `"own"`: that of `raw.ts`; `null`: training cannot read the format. */
	decoder: "TensorFlow" | "sharp" | "own" | null;
	/** Its file extensions, in lower case. */
	extensions: string[];
}

/**
 * Formats by their signatures, which match a file's first bytes read as Latin-1. The first match counts. JavaScript and
 * TensorFlow's RE2 (see `decodeNodes`) must understand them.
 */
const FORMATS: (Format & { signature: RegExp })[] = [
	{ name: "JPEG", decoder: "TensorFlow", extensions: [".jpg", ".jpeg"], signature: /^\xff\xd8\xff/ },
	{ name: "PNG", decoder: "TensorFlow", extensions: [".png"], signature: /^\x89PNG/ },
	{ name: "GIF", decoder: "TensorFlow", extensions: [".gif"], signature: /^GIF8/ },
	// TensorFlow takes the indices of a colour table for grey levels and ignores masks: only 24 and 32 bits without
	// compression, and 32 bits with the usual masks, are as it reads them. The size of an old header is 12.
	{ name: "BMP", decoder: "TensorFlow", extensions: [".bmp"], signature: /^BM.{12}[^\x0c]\0\0\0.{10}[\x18\x20]\0{5}/s },
	{
		name: "BMP",
		decoder: "TensorFlow",
		extensions: [".bmp"],
		signature: /^BM.{12}[^\x0c]\0\0\0.{10}\x20\0\x03\0\0\0.{20}\0\0\xff\0\0\xff\0\0\xff\0\0\0/s,
	},
	{ name: "BMP", decoder: "own", extensions: [".bmp"], signature: /^BM.{12}[^\x0c]\0\0\0.{10}[\x01\x04\x08]\0{5}/s },
	{ name: "uncommon BMP", decoder: null, extensions: [".bmp"], signature: /^BM.{4}\0{4}/s },
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

/** The starts of files that TensorFlow decodes, as a regular expression of RE2 for text read as Latin-1; see `decodeNodes`. */
export const TENSORFLOW_STARTS = `(?s)(${FORMATS.filter(({ decoder }) => decoder === "TensorFlow")
	.map(({ signature }) => signature.source)
	.join("|")}).*`;

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
export const readHead = (path: string): Head =>
	inspectFile(path, (format, read) => ({ format, size: format && sizeOf(format, read, path) }));

/**
 * Opens a file, and calls a function with its format and a function that reads its bytes.
 *
 * @returns what the function returns
 * @throws the system's error when the file cannot be read
 */
export function inspectFile<T>(path: string, inspect: (format: Format | null, read: Read) => T): T {
	const file = openSync(path, "r");
	try {
		const head = shared.subarray(0, readSync(file, shared, 0, HEAD, 0));
		return inspect(formatOf(head), (at, size) => {
			if (at + size <= head.length) return head.subarray(at, at + size);
			if (!Number.isSafeInteger(at + size)) return Buffer.alloc(0);
			const more = Buffer.allocUnsafe(size);
			return more.subarray(0, readSync(file, more, 0, size, at));
		});
	} finally {
		closeSync(file);
	}
}

/** Returns the format of a file's content; `null` for an unknown format, or a file that cannot be read. */
export function formatOfFile(path: string): Format | null {
	try {
		return statSync(path).isFile() ? inspectFile(path, (format) => format) : null;
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
export type Read = (at: number, size: number) => Buffer;

/** Returns the function that reads a file's bytes that are in memory. */
export const readerOf = (bytes: Uint8Array): Read => {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	return (at, size) => buffer.subarray(at, at + size);
};

/** Returns the size in an image file's header, see `Head`. */
export function sizeOf({ name, decoder }: Format, read: Read, path: string): Size | null {
	if (name === "JPEG") return jpegFrame(read);
	if (name === "GIF") return gifSize(readFileSync(path));
	const header = read(0, 32);
	if (decoder === "sharp" || header.length < 32) return null;
	if (name === "PNG") return toSize(header.readUInt32BE(16), header.readUInt32BE(20));
	if (name === "BMP") return toSize(Math.abs(header.readInt32LE(18)), Math.abs(header.readInt32LE(22)));
	if (name === "WebP") return toSize(header.readUInt16LE(26) & 0x3fff, header.readUInt16LE(28) & 0x3fff);
	return null;
}

const toSize = (width: number, height: number): Size => ({ width, height, pixels: width * height });

/** The most markers or chunks of a file that are looked at, so that a damaged file takes no time. */
export const MOST_STEPS = 100_000;

/**
 * Yields the markers of a JPEG's header and their positions, skipping from one to the next as libjpeg does. The last is the
 * one where the pixels begin, `START_OF_SCAN`, in a file that has it.
 */
export function* jpegMarkers(read: Read): Generator<{ kind: number; at: number }> {
	for (let at = 2, steps = 0; steps < MOST_STEPS; steps++) {
		const bytes = read(at, 4);
		if (bytes.length < 4) return;
		const [mark, kind] = bytes;
		if (mark !== 0xff || kind === 0xff || kind === 0) at++;
		else if (kind === 1 || (kind >= 0xd0 && kind <= 0xd8)) at += 2;
		else if (kind === 0xd9) return;
		else {
			yield { kind, at };
			if (kind === START_OF_SCAN) return;
			at += 2 + bytes.readUInt16BE(2);
		}
	}
}

/** The kind of the marker where a JPEG's pixels begin. */
export const START_OF_SCAN = 0xda;

/** Returns the size and the number of colour components in a JPEG's frame header. */
export function jpegFrame(read: Read): (Size & { components: number }) | null {
	for (const { kind, at } of jpegMarkers(read)) {
		if (kind < 0xc0 || kind > 0xcf || [0xc4, 0xc8, 0xcc].includes(kind)) continue;
		const bytes = read(at, 10);
		if (bytes.length < 10) return null;
		return { ...toSize(bytes.readUInt16BE(7), bytes.readUInt16BE(5)), components: bytes[9] };
	}
	return null;
}

/** Counts the pixels of all frames of a GIF: TensorFlow decodes all of them, with one byte per pixel instead of three. */
export function gifSize(bytes: Buffer): Size | null {
	if (bytes.length < 13) return null;
	const canvas = toSize(bytes.readUInt16LE(6), bytes.readUInt16LE(8));
	let frames = 0;
	for (const { pixels } of gifFrames(bytes)) frames += pixels;
	return { ...canvas, pixels: Math.max(canvas.pixels, frames / 3) };
}

/** Yields the frames of a GIF: the number of pixels, and whether the file has the frame's end. */
export function* gifFrames(bytes: Buffer): Generator<{ pixels: number; isWhole: boolean }> {
	for (let at = 13 + gifTable(bytes[10]); at + 10 < bytes.length && bytes[at] !== 0x3b; ) {
		const isFrame = bytes[at] === 0x2c;
		if (!isFrame && bytes[at] !== 0x21) return;
		const pixels = bytes.readUInt16LE(at + 5) * bytes.readUInt16LE(at + 7);
		at += isFrame ? 11 + gifTable(bytes[at + 9]) : 2;
		while (bytes[at]) at += 1 + bytes[at];
		at++;
		if (isFrame) yield { pixels, isWhole: at <= bytes.length };
	}
}

/** Returns the size in bytes of a GIF's colour table, by the flags that announce it. */
export const gifTable = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
