// The entropy-coded scans of a JPEG (ITU-T T.81, sections F and G): Huffman codes to coefficients, sequential and progressive.

/** Zigzag order: the position in a block of each coefficient of a scan. */
export const ZIGZAG = Uint8Array.from([
	...[
		0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
		28,
	],
	...[
		35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
		55, 62, 63,
	],
]);

/** Bits that are looked at together; longer codes are found one bit at a time. */
const LOOK = 9;

/** A Huffman table. */
export interface Huffman {
	/** Length of the code times 256 plus its symbol, by the next bits; 0 where the code is longer. */
	look: Uint16Array;
	/** The greatest code of each length, −1 where there is none. */
	last: Int32Array;
	/** What to add to a code of each length for the position of its symbol. */
	offset: Int32Array;
	symbols: Uint8Array;
}

/** @param counts the number of codes of each length, 1 to 16 */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): Huffman {
	const table = {
		look: new Uint16Array(1 << LOOK),
		last: new Int32Array(17).fill(-1),
		offset: new Int32Array(17),
		symbols,
	};
	for (let length = 1, code = 0, k = 0; length <= 16; length++, code <<= 1) {
		const count = counts[length - 1];
		table.offset[length] = k - code;
		if (count > 0) table.last[length] = code + count - 1;
		for (let i = 0; i < count; i++, code++, k++) {
			const spare = LOOK - length;
			if (spare >= 0) table.look.fill((length << 8) | symbols[k], code << spare, (code + 1) << spare);
		}
	}
	return table;
}

/** The bits of a scan. Past its end they are zeros, which `missing` counts. */
interface Bits {
	data: Uint8Array;
	at: number;
	value: number;
	count: number;
	missing: number;
}

/** Makes sure that 16 bits can be taken. */
function fill(bits: Bits): void {
	while (bits.count <= 16) {
		let byte = bits.data[bits.at];
		if (byte === undefined || (byte === 0xff && bits.data[bits.at + 1] !== 0)) {
			byte = 0;
			bits.missing += 8;
		} else bits.at += byte === 0xff ? 2 : 1;
		bits.value = (bits.value << 8) | byte;
		bits.count += 8;
	}
}

function take(bits: Bits, count: number): number {
	if (count === 0) return 0;
	if (bits.count < count) fill(bits);
	bits.count -= count;
	return (bits.value >>> bits.count) & ((1 << count) - 1);
}

/** Takes a number of that many bits, of which half stand for negative numbers. */
function takeSigned(bits: Bits, count: number): number {
	const value = take(bits, count);
	return count > 0 && value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
}

function takeSymbol(bits: Bits, { look, last, offset, symbols }: Huffman): number {
	if (bits.count < 16) fill(bits);
	const found = look[(bits.value >>> (bits.count - LOOK)) & ((1 << LOOK) - 1)];
	if (found > 0) {
		bits.count -= found >> 8;
		return found & 255;
	}
	for (let length = LOOK + 1; length <= 16; length++) {
		const code = (bits.value >>> (bits.count - length)) & ((1 << length) - 1);
		if (code > last[length]) continue;
		bits.count -= length;
		return symbols[code + offset[length]];
	}
	throw new Error("a code that no table has");
}

/** A component of a frame: brightness or a colour. */
export interface Component {
	id: number;
	/** Sampling factors: blocks of the component in each unit of all components. */
	h: number;
	v: number;
	table: number;
	/** Samples, without those that only fill its last blocks. */
	width: number;
	height: number;
	/** Blocks in memory. */
	columns: number;
	rows: number;
	/** 64 coefficients a block, in the order of rows. */
	coefficients: Int16Array;
	quantization: Uint16Array | null;
}

/** A component in a scan, with its tables; `prediction` is its last DC coefficient. */
export interface Scanned {
	component: Component;
	dc: Huffman | undefined;
	ac: Huffman | undefined;
	prediction: number;
}

/** A scan: spectral selection, and successive approximation by its high and low bit. */
export interface Scan {
	parts: Scanned[];
	start: number;
	end: number;
	high: number;
	low: number;
	isProgressive: boolean;
	/** Units between restart markers; 0 for none. */
	restart: number;
	/** Units of all components across and down. */
	units: [number, number];
}

type DecodeBlock = (part: Scanned, at: number) => void;

/**
 * Decodes a scan into the coefficients of its components.
 *
 * @returns the position of the marker behind it
 * @throws when it ends early, or holds codes that no table has
 */
export function decodeScan(data: Uint8Array, at: number, scan: Scan): number {
	const bits: Bits = { data, at, value: 0, count: 0, missing: 0 };
	const run = { left: 0 };
	const decode = blockDecoder(bits, scan, run);
	const { parts, restart } = scan;
	const [across, down] = parts.length > 1 ? scan.units : blocksOf(parts[0].component);
	for (let unit = 0; unit < across * down; unit++) {
		if (restart > 0 && unit > 0 && unit % restart === 0) {
			toRestartMarker(bits);
			run.left = 0;
			for (const part of parts) part.prediction = 0;
		}
		const [x, y] = [unit % across, Math.floor(unit / across)];
		if (parts.length === 1) decode(parts[0], 64 * (y * parts[0].component.columns + x));
		else for (const part of parts) decodeUnit(part, x, y, decode);
	}
	requireEnough(bits);
	return bits.at;
}

/** The blocks that a scan of one component has: those with samples. */
const blocksOf = ({ width, height }: Component) => [Math.ceil(width / 8), Math.ceil(height / 8)];

function decodeUnit(part: Scanned, x: number, y: number, decode: DecodeBlock): void {
	const { h, v, columns } = part.component;
	for (let row = 0; row < v; row++) {
		for (let column = 0; column < h; column++) decode(part, 64 * ((y * v + row) * columns + x * h + column));
	}
}

/** @throws when bits past the end of the scan have been used */
function requireEnough({ missing, count }: Bits): void {
	if (missing > count) throw new Error("its end is missing");
}

function toRestartMarker(bits: Bits): void {
	requireEnough(bits);
	const { data, at } = bits;
	if (data[at] !== 0xff || data[at + 1] < 0xd0 || data[at + 1] > 0xd7) throw new Error("a restart marker is missing");
	Object.assign(bits, { at: at + 2, value: 0, count: 0, missing: 0 });
}

const required = (table: Huffman | undefined): Huffman => {
	if (!table) throw new Error("a Huffman table is missing");
	return table;
};

/** @param run blocks without further coefficients that are still to come in this band */
function blockDecoder(bits: Bits, scan: Scan, run: { left: number }): DecodeBlock {
	if (!scan.isProgressive) {
		return (part, at) => {
			firstDc(bits, part, at, 0);
			sequentialAc(bits, part, at);
		};
	}
	if (scan.start === 0) {
		return scan.high === 0
			? (part, at) => firstDc(bits, part, at, scan.low)
			: ({ component }, at) => {
					component.coefficients[at] |= take(bits, 1) << scan.low;
				};
	}
	return (scan.high === 0 ? firstAc : refineAc)(bits, scan, run);
}

function firstDc(bits: Bits, part: Scanned, at: number, low: number): void {
	part.prediction += takeSigned(bits, takeSymbol(bits, required(part.dc)) & 15);
	part.component.coefficients[at] = part.prediction << low;
}

function sequentialAc(bits: Bits, { component, ac }: Scanned, at: number): void {
	const table = required(ac);
	for (let k = 1; k < 64; k++) {
		const symbol = takeSymbol(bits, table);
		const zeros = symbol >> 4;
		const size = symbol & 15;
		if (size === 0 && zeros < 15) return;
		k += zeros;
		const value = takeSigned(bits, size);
		if (size > 0 && k < 64) component.coefficients[at + ZIGZAG[k]] = value;
	}
}

const firstAc =
	(bits: Bits, { start, end, low }: Scan, run: { left: number }): DecodeBlock =>
	({ component, ac }, at) => {
		if (run.left > 0) {
			run.left--;
			return;
		}
		const table = required(ac);
		for (let k = start; k <= end; k++) {
			const symbol = takeSymbol(bits, table);
			const zeros = symbol >> 4;
			const size = symbol & 15;
			if (size === 0 && zeros < 15) {
				run.left = (1 << zeros) - 1 + take(bits, zeros);
				return;
			}
			k += zeros;
			const value = takeSigned(bits, size);
			if (size > 0 && k < 64) component.coefficients[at + ZIGZAG[k]] = value * (1 << low);
		}
	};

const refineAc =
	(bits: Bits, { start, end, low }: Scan, run: { left: number }): DecodeBlock =>
	({ component: { coefficients }, ac }, at) => {
		const one = 1 << low;
		let k = start;
		/** Refines the coefficients that are not zero, up to and without the one after so many zeros. */
		const refine = (zeros: number) => {
			for (; k <= end; k++) {
				const i = at + ZIGZAG[k];
				const value = coefficients[i];
				if (value === 0) {
					if (zeros-- === 0) return;
				} else if (take(bits, 1) === 1 && (value & one) === 0) coefficients[i] += value > 0 ? one : -one;
			}
		};
		if (run.left === 0) {
			const table = required(ac);
			while (k <= end) {
				const symbol = takeSymbol(bits, table);
				const zeros = symbol >> 4;
				const size = symbol & 15;
				if (size === 0 && zeros < 15) {
					run.left = (1 << zeros) + take(bits, zeros);
					break;
				}
				const value = size === 0 ? 0 : take(bits, 1) === 1 ? one : -one;
				refine(zeros);
				if (value !== 0 && k <= end) coefficients[at + ZIGZAG[k]] = value;
				k++;
			}
		}
		if (run.left > 0) {
			refine(64);
			run.left--;
		}
	};
