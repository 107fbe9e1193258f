// Decodes JPEG files with the pixels that training sees.
//
// TensorFlow decodes with libjpeg's fast inverse DCT, browsers with its accurate one. The pixels differ by up to 5 of 255,
// which changes predictions by hundredths, and no browser offers the choice. Here: the fast inverse DCT, upsampling and
// colours of libjpeg-turbo, bit for bit.

import { colorRow, type Plane } from "./jpeg-color";
import { inverseDct } from "./jpeg-dct";
import { type Component, decodeScan, type Huffman, huffmanTable, type Scanned, ZIGZAG } from "./jpeg-scan";
import { type Rows, requireFewPixels } from "./rows";

/** What the markers of a file say. */
interface Frame {
	width: number;
	height: number;
	isProgressive: boolean;
	components: Component[];
	quantization: Uint16Array[];
	dc: Huffman[];
	ac: Huffman[];
	restart: number;
	/** Adobe's colour transform: 0 none, 1 YCbCr, 2 YCCK; null without that marker. */
	adobe: number | null;
}

/**
 * Decodes a JPEG: sequential or progressive, of 8 bits, grey, YCbCr, RGB, CMYK or YCCK.
 *
 * @param channels 1 for the brightness, 3 for RGB
 * @param mostPixels the most pixels of an image that is decoded
 * @returns null for a kind of JPEG that it does not decode
 * @throws when the file is damaged or has more pixels
 */
export function decodeJpeg(bytes: Uint8Array, channels: 1 | 3, mostPixels: number): Rows | null {
	try {
		const frame = readMarkers(bytes, mostPixels);
		// TensorFlow has no brightness of CMYK.
		if (!frame || (channels === 1 && frame.components.length === 4)) return null;
		const { width, height, adobe } = frame;
		const ids = frame.components.map(({ id }) => String.fromCharCode(id)).join("");
		const planes = frame.components.map((component) => toPlane(component, frame));
		return { width, height, channels, row: colorRow(planes, { width, channels, adobe, ids }) };
	} catch (error) {
		if (error instanceof RangeError) throw error;
		throw new Error(`the JPEG is damaged: ${(error as Error).message}`);
	}
}

/** Reads all markers, and decodes the scans on the way. */
function readMarkers(data: Uint8Array, mostPixels: number): Frame | null {
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	const frame: Frame = {
		...{ width: 0, height: 0, isProgressive: false, components: [], quantization: [], dc: [], ac: [], restart: 0 },
		adobe: null,
	};
	for (let at = 2; ; ) {
		while (at < data.length && data[at] !== 0xff) at++;
		while (data[at] === 0xff) at++;
		const marker = data[at++];
		if (marker === undefined) throw new Error("its end is missing");
		if (marker === 0xd9) return frame;
		if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
		if (at + 2 > data.length) throw new Error("its end is missing");
		const end = at + view.getUint16(at);
		if (end > data.length) throw new Error("its end is missing");
		const segment = data.subarray(at + 2, end);
		at = end;
		if (marker === 0xc4) readHuffman(segment, frame);
		else if (marker === 0xdb) readQuantization(segment, frame);
		else if (marker === 0xdd) frame.restart = (segment[0] << 8) | segment[1];
		else if (marker === 0xee && String.fromCharCode(...segment.subarray(0, 5)) === "Adobe") frame.adobe = segment[11];
		else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8) {
			if (marker > 0xc2 || segment[0] !== 8) return null;
			readFrame(segment, marker === 0xc2, frame, mostPixels);
		} else if (marker === 0xda) at = readScan(data, at, segment, frame);
	}
}

function readHuffman(segment: Uint8Array, { dc, ac }: Frame): void {
	for (let at = 0; at + 17 <= segment.length; ) {
		const counts = segment.subarray(at + 1, at + 17);
		const total = counts.reduce((sum, count) => sum + count, 0);
		const symbols = segment.slice(at + 17, at + 17 + total);
		(segment[at] >> 4 ? ac : dc)[segment[at] & 15] = huffmanTable(counts, symbols);
		at += 17 + total;
	}
}

function readQuantization(segment: Uint8Array, { quantization }: Frame): void {
	for (let at = 0; at < segment.length; ) {
		const [bytes, index] = [segment[at] >> 4 ? 2 : 1, segment[at] & 15];
		const table = new Uint16Array(64);
		for (let k = 0; k < 64; k++) {
			const i = at + 1 + bytes * k;
			table[ZIGZAG[k]] = bytes === 2 ? (segment[i] << 8) | segment[i + 1] : segment[i];
		}
		quantization[index] = table;
		at += 1 + 64 * bytes;
	}
}

function readFrame(segment: Uint8Array, isProgressive: boolean, frame: Frame, mostPixels: number): void {
	const [height, width] = [(segment[1] << 8) | segment[2], (segment[3] << 8) | segment[4]];
	if (width === 0 || height === 0) throw new Error(`its size is ${width} × ${height}`);
	requireFewPixels(width, height, mostPixels);
	const parts = Array.from({ length: segment[5] }, (_, i) => segment.subarray(6 + 3 * i, 9 + 3 * i));
	const factors = parts.map(([, factor]) => [factor >> 4, factor & 15]);
	const [most, tallest] = [0, 1].map((i) => Math.max(...factors.map((pair) => pair[i])));
	if (!factors.flat().every((factor) => factor >= 1 && factor <= 4)) throw new Error("its sampling factors are wrong");
	const [across, down] = [Math.ceil(width / (8 * most)), Math.ceil(height / (8 * tallest))];
	const components = parts.map(([id, , table], i): Component => {
		const [h, v] = factors[i];
		const [columns, rows] = [across * h, down * v];
		const size = { width: Math.ceil((width * h) / most), height: Math.ceil((height * v) / tallest), columns, rows };
		return { id, h, v, table, ...size, coefficients: new Int16Array(64 * columns * rows), quantization: null };
	});
	Object.assign(frame, { width, height, isProgressive, components });
}

/** @returns the position behind the scan */
function readScan(data: Uint8Array, at: number, segment: Uint8Array, frame: Frame): number {
	const { components, dc, ac, quantization, isProgressive, restart } = frame;
	const count = segment[0];
	const parts = Array.from({ length: count }, (_, i): Scanned => {
		const [id, tables] = segment.subarray(1 + 2 * i, 3 + 2 * i);
		const component = components.find((other) => other.id === id);
		if (!component) throw new Error(`there is no component ${id}`);
		component.quantization ??= quantization[component.table] ?? null;
		return { component, dc: dc[tables >> 4], ac: ac[tables & 15], prediction: 0 };
	});
	const [start, end, approximation] = segment.subarray(1 + 2 * count);
	const [first] = components;
	return decodeScan(data, at, {
		...{
			parts,
			start,
			end: Math.min(end, 63),
			high: approximation >> 4,
			low: approximation & 15,
			isProgressive,
			restart,
		},
		units: [first.columns / first.h, first.rows / first.v],
	});
}

function toPlane({ quantization, coefficients, ...component }: Component, { components }: Frame): Plane {
	if (!quantization) throw new Error("a quantization table is missing");
	const { width, height, columns, rows, h, v } = component;
	const samples = inverseDct(coefficients, quantization, columns, rows);
	const [most, tallest] = [
		Math.max(...components.map((other) => other.h)),
		Math.max(...components.map((other) => other.v)),
	];
	return { samples, stride: 8 * columns, width, height, ratio: [most / h, tallest / v] };
}
