// What the first bytes of an image say: its format, who decodes it, and how large it claims to be.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: files begin with them.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";

/** The extensions of the files that are read: those of Keras, and some more. Others are passed over. */
export const IMAGE_EXTENSIONS = [".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"];

/** A file format of images. */
export interface Format {
	/** As people call it, for example `"JPEG"`. */
	name: string;
	/** Who decodes it for training; `null`: nobody does, and training passes such files over. */
	decoder: "TensorFlow" | "sharp" | null;
	/** The extensions of such files. */
	extensions: string[];
}

/** Formats by how their files begin, the bytes read as Latin-1. */
const FORMATS: (Format & { begins: RegExp })[] = [
	{ name: "JPEG", decoder: "TensorFlow", extensions: [".jpg", ".jpeg"], begins: /^\xff\xd8\xff/ },
	{ name: "PNG", decoder: "TensorFlow", extensions: [".png"], begins: /^\x89PNG/ },
	{ name: "GIF", decoder: "TensorFlow", extensions: [".gif"], begins: /^GIF8/ },
	// TensorFlow reads BMP with 8, 24 and 32 bits a pixel, without compression (0; 3: only says where the channels are).
	{ name: "BMP", decoder: "TensorFlow", extensions: [".bmp"], begins: /^BM.{26}[\x08\x18\x20]\0[\0\x03]/s },
	{ name: "packed BMP", decoder: null, extensions: [".bmp"], begins: /^BM.{4}\0{4}/s },
	// TensorFlow reads WebP with transparency or several frames only if four channels are asked for.
	{ name: "WebP", decoder: "TensorFlow", extensions: [".webp"], begins: /^RIFF.{4}WEBPVP8 /s },
	{ name: "WebP", decoder: "sharp", extensions: [".webp"], begins: /^RIFF.{4}WEBP/s },
	{ name: "AVIF", decoder: "sharp", extensions: [".avif"], begins: /^.{4}ftyp.{0,40}avi[fs]/s },
	{ name: "TIFF", decoder: "sharp", extensions: [".tif", ".tiff"], begins: /^(II[*+]\0|MM\0[*+])/ },
	{ name: "HEIC", decoder: null, extensions: [".heic", ".heif"], begins: /^.{4}ftyp(hei|hev|mif1|msf1)/s },
	{ name: "JPEG XL", decoder: null, extensions: [".jxl"], begins: /^(\xff\x0a|\0{3}\x0cJXL )/ },
	{ name: "JPEG 2000", decoder: null, extensions: [".jp2", ".j2k"], begins: /^(\0{3}\x0cjP|\xff\x4f\xff\x51)/ },
	{ name: "ICO", decoder: null, extensions: [".ico", ".cur"], begins: /^\0\0[\x01\x02]\0.{5}\0/s },
	{ name: "ICNS", decoder: null, extensions: [".icns"], begins: /^icns/ },
	{ name: "Photoshop", decoder: null, extensions: [".psd"], begins: /^8BPS/ },
	{ name: "SVG", decoder: null, extensions: [".svg"], begins: /^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*>\s*)?<svg/ },
	{ name: "OpenEXR", decoder: null, extensions: [".exr"], begins: /^\x76\x2f\x31\x01/ },
	{ name: "DirectDraw surface", decoder: null, extensions: [".dds"], begins: /^DDS \x7c/ },
	{ name: "Netpbm", decoder: null, extensions: [".pbm", ".pgm", ".ppm", ".pnm"], begins: /^P[1-7]\s/ },
];

/** Images with more pixels are refused without being decoded, as by Pillow: twice its `MAX_IMAGE_PIXELS`. */
export const MAX_PIXELS = 178_956_970;

/** What the start of a file says. */
export interface Head {
	format: Format | null;
	/** What the header claims, in pixels; `null` if it does not say, or is of a format that sharp decodes. */
	size: Size | null;
}
export interface Size {
	width: number;
	height: number;
	/** How many pixels are decoded: those of all frames. */
	pixels: number;
}

/** As many bytes hold the header of most files; JPEG's can be long, and more is read if need be. */
const HEAD = 4096;
const shared = Buffer.alloc(HEAD);

/**
 * Reads the start of an image.
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

/** The format of a file's content, or `null`: no known image, or no file that can be read. */
export function formatOfFile(path: string): Format | null {
	try {
		return statSync(path).isFile() ? readHead(path).format : null;
	} catch {
		return null;
	}
}

/** The format of bytes that begin a file, or `null`: no known image. */
export function formatOf(bytes: Uint8Array): Format | null {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString("latin1");
	return FORMATS.find(({ begins }) => begins.test(text)) ?? null;
}

/** Some bytes of a file; fewer at its end. */
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

/** Goes from marker to marker to the one that holds the size, as libjpeg does. */
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

/** TensorFlow gives the first frame, but decodes all: a byte for each of their pixels, and not three. */
function gifSize(bytes: Buffer): Size | null {
	if (bytes.length < 13) return null;
	const colours = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
	const canvas = toSize(bytes.readUInt16LE(6), bytes.readUInt16LE(8));
	let frames = 0;
	for (let at = 13 + colours(bytes[10]); at + 10 < bytes.length && bytes[at] !== 0x3b; ) {
		if (bytes[at] === 0x2c) {
			frames += bytes.readUInt16LE(at + 5) * bytes.readUInt16LE(at + 7);
			at += 11 + colours(bytes[at + 9]);
		} else if (bytes[at] === 0x21) at += 2;
		else break;
		while (bytes[at]) at += 1 + bytes[at];
		at++;
	}
	return { ...canvas, pixels: Math.max(canvas.pixels, frames / 3) };
}
