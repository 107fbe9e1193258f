// Decodes what TensorFlow cannot: by sharp, and BMP with a colour table.

import sharp, { type Sharp } from "sharp";
import { type Format, gifTable, MAX_PIXELS, readerOf } from "./formats";
import { greyLevel } from "./grey";
import { avifTurns, tiffTags } from "./orientation";

/** Decoded pixels, 0–255, row by row. */
export interface RawImage {
	data: Uint8Array;
	width: number;
	height: number;
	/** 1 (grey), 3 (RGB) or 4 (RGBA). */
	channels: 1 | 3 | 4;
}

/**
 * Decodes an image that TensorFlow cannot decode: the first frame or page, not turned, without its colour profile.
 *
 * @param format its format, whose decoder is `"sharp"` or `"own"`
 * @returns RGB or RGBA
 * @throws when it cannot be decoded, or is not supported, see `unsupportedContent`
 */
export async function decodeRaw(format: Format, bytes: Uint8Array): Promise<RawImage> {
	const unsupported = unsupportedContent(format, bytes);
	if (unsupported) throw new Error(unsupported);
	if (format.decoder === "own") return decodeIndexedBmp(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
	const tags = format.name === "TIFF" ? tiffTags(readerOf(bytes)) : new Map<number, number[]>();
	if (tags.get(PHOTOMETRIC)?.[0] === CMYK) return fromCmyk(await rawOf(openBySharp(format, bytes), "cmyk"));
	const { data, width, height, channels } = await rawOf(openBySharp(format, bytes), "srgb");
	if (channels !== 3 && channels !== 4) throw new Error(`${channels} channels: expected 3 or 4`);
	const raw = { data, width, height, channels } as const;
	// A fourth channel that is not said to be transparency.
	return tags.get(EXTRA_SAMPLES)?.[0] === 0 ? withChannels(raw, 3) : raw;
}

/** Damaged data are errors; deviations from a format's rules that do not change pixels are not. */
const SHARP_OPTIONS = { failOn: "error", ignoreIcc: true } as const;

/**
 * Opens an image with sharp, so that it does not turn it: sharp turns AVIF and nothing else.
 *
 * @param limitInputPixels the most pixels that are decoded. Default `MAX_PIXELS`
 */
export function openBySharp(format: Format, bytes: Uint8Array, limitInputPixels: number | false = MAX_PIXELS): Sharp {
	const options = { ...SHARP_OPTIONS, limitInputPixels };
	if (format.name !== "AVIF") return sharp(bytes, options);
	const upright = Buffer.from(bytes);
	// libheif knows image sequences only by their other brand.
	if (upright.toString("latin1", 8, 12) === "avis") upright.write("avif", 8, "latin1");
	// A rotation by 0°.
	for (const { at } of avifTurns(readerOf(upright))) upright.write("irot\0", at - 4, "latin1");
	return sharp(upright, options);
}

async function rawOf(image: Sharp, space: "srgb" | "cmyk") {
	const pixels = image.pipelineColourspace(space).toColourspace(space).raw({ depth: "uchar" });
	const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
	return { data, width: info.width, height: info.height, channels: info.channels as number };
}

/** Converts CMYK to RGB as Pillow does, which knows no profile. */
function fromCmyk({ data, width, height, channels }: Awaited<ReturnType<typeof rawOf>>): RawImage {
	if (channels !== 4) throw new Error(`CMYK with ${channels} channels: expected 4`);
	const rgb = new Uint8Array(width * height * 3);
	for (let i = 0, from = 0; i < rgb.length; i += 3, from += 4) {
		const light = 255 - data[from + 3];
		for (let channel = 0; channel < 3; channel++)
			rgb[i + channel] = light - Math.round((data[from + channel] * light) / 255);
	}
	return { data: rgb, width, height, channels: 3 };
}

// Tags of TIFF.
const [BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, EXTRA_SAMPLES, SAMPLE_FORMAT] = [258, 259, 262, 277, 338, 339];
const [PALETTE, CMYK, YCBCR] = [3, 5, 6];
/** The number of channels of each photometric interpretation: white is zero, black is zero, RGB, palette, CMYK, YCbCr. */
const COLOURS: Record<number, number> = { 0: 1, 1: 1, 2: 3, [PALETTE]: 1, [CMYK]: 4, [YCBCR]: 3 };
const NUMBERS: Record<number, string> = { 2: "signed integers", 3: "floating-point numbers" };

/**
 * Returns what makes an image unsupported although its format is supported, for example `"32-bit floating-point numbers"`;
 * `null` when nothing does. sharp would decode some such TIFFs to wrong pixels.
 */
export function unsupportedContent(format: Format, bytes: Uint8Array): string | null {
	if (format.name !== "TIFF") return null;
	const tags = tiffTags(readerOf(bytes));
	const numbers = (tag: number, otherwise: number) => tags.get(tag) ?? [otherwise];
	const [photometric] = numbers(PHOTOMETRIC, 1);
	const [samples] = numbers(SAMPLES, 1);
	const depths = numbers(BITS, 1);
	const [depth] = depths;
	const other = numbers(SAMPLE_FORMAT, 1).find((kind) => kind !== 1);
	if (other !== undefined) return `${depth}-bit ${NUMBERS[other] ?? "values of another type"}`;
	if (depths.some((bits) => bits !== depth)) return `channels of ${depths.join(", ")} bits`;
	if (![1, 2, 4, 8, 16].includes(depth)) return `${depth}-bit integers`;
	const colours = COLOURS[photometric];
	if (!colours) return `a colour space other than grey, RGB, CMYK, YCbCr or a palette (${photometric})`;
	if (samples < colours || samples > colours + 1) return `${samples} channels`;
	if (samples > 1 && depth < 8) return `${samples} channels of ${depth} bits`;
	if (samples > colours && photometric !== 1 && photometric !== 2) return "transparency in this colour space";
	if (depth === 16 && photometric !== 1 && photometric !== 2) return "16 bits in this colour space";
	if (photometric === YCBCR && numbers(COMPRESSION, 1)[0] !== 7) return "YCbCr without JPEG compression";
	return null;
}

/**
 * Decodes a BMP with a colour table of 2, 16 or 256 colours, without compression.
 *
 * @throws when it is truncated, too large, or a pixel has no colour in the table
 */
function decodeIndexedBmp(bytes: Buffer): RawImage {
	if (bytes.length < 54) throw new Error("the header is truncated");
	const [start, headerSize] = [bytes.readUInt32LE(10), bytes.readUInt32LE(14)];
	const [width, signedHeight, bits] = [bytes.readInt32LE(18), bytes.readInt32LE(22), bytes.readUInt16LE(28)];
	const height = Math.abs(signedHeight);
	if (width <= 0 || height === 0 || width * height > MAX_PIXELS) throw new Error(`${width} × ${signedHeight} pixels`);
	const rowSize = 4 * Math.ceil((width * bits) / 32);
	if (start + rowSize * height > bytes.length) throw new Error("the last rows are missing");
	const colours = Math.min(bytes.readUInt32LE(46) || 2 ** bits, 2 ** bits);
	const table = bytes.subarray(14 + headerSize, 14 + headerSize + 4 * colours);
	const data = new Uint8Array(width * height * 3);
	for (let y = 0, i = 0; y < height; y++) {
		// A negative height: the top row comes first.
		const row = start + rowSize * (signedHeight < 0 ? y : height - 1 - y);
		for (let x = 0; x < width; x++, i += 3) {
			const byte = bytes[row + ((x * bits) >> 3)];
			const index = (byte >> (8 - bits - ((x * bits) & 7))) & (2 ** bits - 1);
			if (4 * index + 4 > table.length) throw new Error(`the colour ${index} is not in the table`);
			for (let channel = 0; channel < 3; channel++) data[i + channel] = table[4 * index + 2 - channel];
		}
	}
	return { data, width, height, channels: 3 };
}

/** Converts pixels to another number of channels: grey as Pillow's `convert("L")`, opaque where there is no transparency. */
export function withChannels(raw: RawImage, channels: 1 | 3 | 4): RawImage {
	const { data, width, height, channels: from } = raw;
	if (from === channels) return raw;
	const converted = new Uint8Array(width * height * channels).fill(255);
	for (let i = 0, j = 0; i < converted.length; i += channels, j += from) {
		if (channels === 1) {
			converted[i] = greyLevel(data[j], data[j + 1], data[j + 2]);
			continue;
		}
		for (let channel = 0; channel < 3; channel++) converted[i + channel] = data[from === 1 ? j : j + channel];
	}
	return { data: converted, width, height, channels };
}

/**
 * Returns a copy of a GIF with the colour tables of its first frame in white. Decoded by TensorFlow it is 255 where the frame
 * is opaque and 0 where it is transparent: TensorFlow makes transparent pixels black.
 */
export function whiteGif(bytes: Uint8Array): Uint8Array {
	const white = Uint8Array.from(bytes);
	const fill = (at: number, flags: number) => white.fill(255, at, at + gifTable(flags));
	fill(13, bytes[10]);
	// Extensions precede the frame.
	let at = 13 + gifTable(bytes[10]);
	while (bytes[at] === 0x21) {
		for (at += 2; bytes[at]; ) at += 1 + bytes[at];
		at++;
	}
	if (bytes[at] === 0x2c) fill(at + 10, bytes[at + 9]);
	return white;
}
