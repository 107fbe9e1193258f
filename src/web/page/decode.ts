// From an image file to the pixels of the model's input, as training has them.
import { greyLevel } from "../../images/grey";
import { decodeJpeg } from "../jpeg";
import { decodePng } from "../png";
import { type Rows, requireFewPixels, resizeBilinear } from "../rows";

/** The model's input. */
export interface Input {
	height: number;
	width: number;
	channels: number;
}

/** Images with more pixels would need more memory than a page has. */
export const MOST_PIXELS = 100e6;

/**
 * Decodes and resizes an image.
 *
 * @param image a file, or a frame of the camera
 * @returns float32, 0–255, `height × width × channels`
 * @throws when the image cannot be decoded, or has more than `MOST_PIXELS`
 */
export async function pixelsOf(image: Blob | ImageBitmap, { height, width, channels }: Input): Promise<Float32Array> {
	const rows = await (image instanceof Blob ? decode(image, channels as 1 | 3 | 4) : rowsOf(image, channels));
	return resizeBilinear(rows, [height, width]);
}

async function decode(file: Blob, channels: 1 | 3 | 4): Promise<Rows> {
	const bytes = new Uint8Array(await file.arrayBuffer());
	if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) return decodePng(bytes, channels, MOST_PIXELS);
	if (startsWith(bytes, [0xff, 0xd8, 0xff])) {
		const rows = decodeJpeg(bytes, channels === 1 ? 1 : 3, MOST_PIXELS);
		if (rows) return channels === 4 ? opaque(rows) : rows;
	}
	return rowsOf(await decodeByBrowser(file), channels);
}

const startsWith = (bytes: Uint8Array, start: number[]) => start.every((byte, i) => bytes[i] === byte);

/** Decodes GIF, WebP, BMP, AVIF and what else the browser knows; of an animation the first frame. */
async function decodeByBrowser(file: Blob): Promise<ImageBitmap> {
	try {
		return await createImageBitmap(file, {
			imageOrientation: "none" as ImageOrientation,
			colorSpaceConversion: "none",
			premultiplyAlpha: "none",
		});
	} catch {
		const [, kind = ""] = /^image\/(.*)$/.exec(file.type) ?? [];
		throw new Error(
			kind ? `this browser cannot read ${kind} images: save it as JPEG or PNG` : "not an image that a browser can read",
		);
	}
}

/** Reads the rows of a bitmap through a canvas of two: one of the whole image could be larger than a browser allows. */
function rowsOf(bitmap: ImageBitmap, channels: number): Rows {
	const { width, height } = bitmap;
	requireFewPixels(width, height, MOST_PIXELS);
	const canvas = Object.assign(document.createElement("canvas"), { width, height: 1 });
	const context = canvas.getContext("2d", { willReadFrequently: true });
	if (!context) throw new Error(`this browser cannot read an image of ${width} × ${height} pixels: make it smaller`);
	const out = new Uint8ClampedArray(width * channels);
	const row = (y: number) => {
		context.clearRect(0, 0, width, 1);
		context.drawImage(bitmap, 0, y, width, 1, 0, 0, width, 1);
		const { data } = context.getImageData(0, 0, width, 1);
		if (channels === 4) return data;
		for (let x = 0; x < width; x++) {
			const [red, green, blue] = [data[4 * x], data[4 * x + 1], data[4 * x + 2]];
			if (channels === 1) out[x] = greyLevel(red, green, blue);
			else out.set([red, green, blue], 3 * x);
		}
		return out;
	};
	return { width, height, channels, row };
}

/** Adds a channel of full opacity. */
function opaque({ row, ...rows }: Rows): Rows {
	const out = new Uint8ClampedArray(4 * rows.width).fill(255);
	return {
		...rows,
		channels: 4,
		row: (y) => {
			const rgb = row(y);
			for (let i = 0; i < rgb.length; i++) out[4 * Math.floor(i / 3) + (i % 3)] = rgb[i];
			return out;
		},
	};
}
