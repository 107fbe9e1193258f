// Decodes PNG files with the pixels that training sees: no gamma, no colour profile, and the colours below transparency.
// A canvas gives others.
import { type DecodedPng, decode } from "fast-png";
import { type Rows, requireFewPixels } from "./rows";

/**
 * Decodes a PNG to bytes, of 16 bits the upper ones.
 *
 * @param channels 1 for the brightness, 3 for RGB without transparency, 4 for RGB with it
 * @param mostPixels the most pixels of an image that is decoded
 * @throws when the file is damaged or has more pixels
 */
export function decodePng(bytes: Uint8Array, channels: 1 | 3 | 4, mostPixels: number): Rows {
	const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (bytes.length < 33) throw new Error("the PNG is damaged: its end is missing");
	const [width, height] = [header.getUint32(16), header.getUint32(20)];
	requireFewPixels(width, height, mostPixels);
	const png = decoded(bytes);
	const out = new Uint8ClampedArray(width * channels);
	const colorAt = colorsOf(png);
	const color: Color = { red: 0, green: 0, blue: 0, alpha: 0 };
	// Of 16 bits the upper byte; libpng rounds their brightness only.
	const [shift, rounding] = png.depth === 16 ? [8, 1 << 14] : [0, 0];
	const row = (y: number) => {
		for (let x = 0; x < width; x++) {
			colorAt(x, y, color);
			if (channels === 1) out[x] = grayOf(color, rounding) >> shift;
			else {
				out[channels * x] = color.red >> shift;
				out[channels * x + 1] = color.green >> shift;
				out[channels * x + 2] = color.blue >> shift;
				if (channels === 4) out[channels * x + 3] = color.alpha >> shift;
			}
		}
		return out;
	};
	return { width, height, channels, row };
}

function decoded(bytes: Uint8Array): DecodedPng {
	try {
		return decode(bytes, { checkCrc: true });
	} catch (error) {
		throw new Error(`the PNG is damaged: ${(error as Error).message}`);
	}
}

/** A colour in 8 bits, or in 16 where the file has them. */
interface Color {
	red: number;
	green: number;
	blue: number;
	alpha: number;
}

/** TensorFlow's grey of PNG: libpng's weights of red, green and blue, of 32768. */
const grayOf = ({ red, green, blue }: Color, rounding: number) =>
	red === green && red === blue ? red : (RED * red + GREEN * green + (32768 - RED - GREEN) * blue + rounding) >>> 15;
const [RED, GREEN] = [9797, 19234];

/** Returns the function that reads the colour of a pixel. */
function colorsOf(png: DecodedPng): (x: number, y: number, color: Color) => void {
	const { palette, channels, depth, transparency } = png;
	const sample = samplesOf(png);
	// What TensorFlow adds to images without transparency, also where they are expanded to 8 bits.
	const opaque = 2 ** depth - 1;
	const toByte = depth < 8 ? (value: number) => (value * 255) / (2 ** depth - 1) : (value: number) => value;
	return (x, y, color) => {
		const first = sample(x, y, 0);
		if (palette) {
			const entry = palette[first];
			if (!entry) throw new Error(`the PNG is damaged: its palette has no colour ${first}`);
			[color.red, color.green, color.blue] = entry;
			color.alpha = entry[3] ?? opaque;
			return;
		}
		const [second, third] = channels > 2 ? [sample(x, y, 1), sample(x, y, 2)] : [first, first];
		color.red = toByte(first);
		color.green = toByte(second);
		color.blue = toByte(third);
		if (channels % 2 === 0) color.alpha = toByte(sample(x, y, channels - 1));
		else if (transparency?.length) {
			const [red, green = red, blue = red] = transparency;
			color.alpha = first === red && second === green && third === blue ? 0 : toByte(opaque);
		} else color.alpha = opaque;
	};
}

/** Returns the function that reads a sample; those of less than a byte lie together, each row from a whole byte on. */
function samplesOf({ data, width, channels, depth }: DecodedPng): (x: number, y: number, channel: number) => number {
	if (depth >= 8) return (x, y, channel) => data[(y * width + x) * channels + channel];
	const stride = Math.ceil((width * depth) / 8);
	const mask = 2 ** depth - 1;
	return (x, y) => {
		const bit = x * depth;
		return (data[y * stride + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
	};
}
