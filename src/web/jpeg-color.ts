// From the components of a JPEG to rows of pixels: upsampling and colours, as libjpeg-turbo and TensorFlow compute them.

import { greyLevel } from "../images/grey";

/** The samples of a component. */
export interface Plane {
	samples: Uint8ClampedArray;
	/** Samples of a row in memory, of which `width` are of the image. */
	stride: number;
	width: number;
	height: number;
	/** Pixels across and down for each sample. */
	ratio: [number, number];
}

type Row = (y: number) => Uint8Array;

/** Returns the function to a component's row of that many pixels, in the same memory each time. */
function upsampled(plane: Plane, pixels: number): Row {
	const { samples, stride, width, height, ratio } = plane;
	const [across, down] = ratio;
	const out = new Uint8Array(Math.max(pixels, across * width) + 1);
	const sums = new Int32Array(width);
	if (across === 1 && down === 1)
		return (y) => samples.subarray(y * stride, y * stride + width) as unknown as Uint8Array;
	if (!((across === 2 && down <= 2 && width > 2) || (across === 1 && down === 2))) {
		return (y) => {
			const row = Math.floor(y / down) * stride;
			for (let x = 0; x < pixels; x++) out[x] = samples[row + Math.floor(x / across)];
			return out;
		};
	}
	return (y) => {
		const near = Math.floor(y / down);
		const far = Math.min(height - 1, Math.max(0, y % 2 === 0 ? near - 1 : near + 1));
		for (let x = 0; x < width; x++) {
			const sample = samples[near * stride + x];
			sums[x] = down === 1 ? sample : 3 * sample + samples[far * stride + x];
		}
		// Weights of 3/4 and 1/4 along each axis; rounding alternates.
		if (across === 1) for (let x = 0; x < width; x++) out[x] = (sums[x] + (y % 2 === 0 ? 1 : 2)) >> 2;
		else if (down === 1) widen(sums, out, 1, 2, 2);
		else widen(sums, out, 8, 7, 4);
		return out;
	};
}

/** Doubles the samples of a row with weights of 3/4 and 1/4; each end is its own neighbour. */
function widen(sums: Int32Array, out: Uint8Array, before: number, after: number, bits: number): void {
	const last = sums.length - 1;
	for (let x = 0; x <= last; x++) {
		const three = 3 * sums[x];
		out[2 * x] = (three + sums[Math.max(0, x - 1)] + before) >> bits;
		out[2 * x + 1] = (three + sums[Math.min(last, x + 1)] + after) >> bits;
	}
}

const fixed = (value: number) => Math.round(value * 65536);
const [R_OF_CR, G_OF_CB, G_OF_CR, B_OF_CB] = [fixed(1.402), fixed(0.34414), fixed(0.71414), fixed(1.772)];
const HALF = 1 << 15;

/** Converts YCbCr to RGB, as ITU-R BT.601 with 0–255 in all three, written to every third place. */
function toRgb(y: number, blue: number, red: number, out: Uint8ClampedArray, at: number): void {
	const [cb, cr] = [blue - 128, red - 128];
	out[at] = y + ((R_OF_CR * cr + HALF) >> 16);
	out[at + 1] = y + ((-G_OF_CB * cb - G_OF_CR * cr + HALF) >> 16);
	out[at + 2] = y + ((B_OF_CB * cb + HALF) >> 16);
}

interface Colors {
	width: number;
	channels: 1 | 3;
	/** Adobe's colour transform, null without its marker. */
	adobe: number | null;
	/** Identifiers of the components, as letters. */
	ids: string;
}

/** Returns the function to a row of pixels, in the same memory each time. */
export function colorRow(planes: Plane[], { width, channels, adobe, ids }: Colors): (y: number) => Uint8ClampedArray {
	const rows = planes.map((plane) => upsampled(plane, width));
	const out = new Uint8ClampedArray(channels * width);
	const isPlain = planes.length === 3 ? (adobe === null ? ids === "RGB" : adobe === 0) : adobe !== 2;
	return (y) => {
		const [first, second, third, black] = rows.map((row) => row(y));
		for (let x = 0; x < width; x++) {
			const at = channels * x;
			if (channels === 1)
				out[at] = planes.length === 3 && isPlain ? greyLevel(first[x], second[x], third[x]) : first[x];
			else if (planes.length === 1) out.fill(first[x], at, at + 3);
			else if (isPlain) out.set([first[x], second[x], third[x]], at);
			else toRgb(first[x], second[x], third[x], out, at);
		}
		if (black) withBlack(out, black, { isPlain, isInverted: adobe !== null });
		return out;
	};
}

/** Applies the black of CMYK as TensorFlow does; files with Adobe's marker hold it inverted. */
function withBlack(out: Uint8ClampedArray, black: Uint8Array, how: { isPlain: boolean; isInverted: boolean }): void {
	for (let i = 0; i < out.length; i++) {
		const ink = how.isPlain ? out[i] : 255 - out[i];
		const key = black[Math.floor(i / 3)];
		out[i] = Math.floor((how.isInverted ? ink * key : (255 - ink) * (255 - key)) / 255);
	}
}
