// The inverse DCT of Arai, Agui and Nakajima (1988) in 16-bit integers, as libjpeg's `JDCT_IFAST`.

/** Scale factors of the coefficients along one axis: cos(kπ/16)·√2, the first 1. */
const SCALES = Array.from({ length: 8 }, (_, k) => (k === 0 ? 1 : Math.cos((k * Math.PI) / 16) * Math.SQRT2));

/** The quantization table with the scale factors of both axes, in 14 bits as libjpeg has them, rounded to 2. */
function multipliers(quantization: Uint16Array): Int32Array {
	return Int32Array.from(quantization, (value, i) => {
		const scale = Math.round(SCALES[i >> 3] * SCALES[i & 7] * (1 << 14));
		return (value * scale + (1 << 11)) >> 12;
	});
}

/** √2, 1 / (√2 cos(3π/8)) … of the algorithm in 8 bits. */
const [C_1_08, C_1_41, C_1_85, C_2_61] = [277, 362, 473, 669];

/** One transform of eight values, in place. */
function transform(values: Int32Array, at: number, step: number): void {
	const i1 = at + step;
	const i2 = i1 + step;
	const i3 = i2 + step;
	const i4 = i3 + step;
	const i5 = i4 + step;
	const i6 = i5 + step;
	const i7 = i6 + step;
	const even = values[at] + values[i4];
	const odd = values[at] - values[i4];
	const sum = values[i2] + values[i6];
	const turned = (((values[i2] - values[i6]) * C_1_41) >> 8) - sum;
	const a0 = even + sum;
	const a3 = even - sum;
	const a1 = odd + turned;
	const a2 = odd - turned;

	const z13 = values[i5] + values[i3];
	const z10 = values[i5] - values[i3];
	const z11 = values[i1] + values[i7];
	const z12 = values[i1] - values[i7];
	const b7 = z11 + z13;
	const z5 = ((z10 + z12) * C_1_85) >> 8;
	const b6 = ((z10 * -C_2_61) >> 8) + z5 - b7;
	const b5 = (((z11 - z13) * C_1_41) >> 8) - b6;
	const b4 = ((z12 * C_1_08) >> 8) - z5 + b5;
	values[at] = a0 + b7;
	values[i7] = a0 - b7;
	values[i1] = a1 + b6;
	values[i6] = a1 - b6;
	values[i2] = a2 + b5;
	values[i5] = a2 - b5;
	values[i4] = a3 + b4;
	values[i3] = a3 - b4;
}

/**
 * Returns the samples of a component, 0–255, rows of `8 × columns`.
 *
 * @param coefficients 64 for each of `columns × rows` blocks
 */
export function inverseDct(
	coefficients: Int16Array,
	quantization: Uint16Array,
	columns: number,
	rows: number,
): Uint8ClampedArray {
	const factors = multipliers(quantization);
	const stride = 8 * columns;
	const samples = new Uint8ClampedArray(stride * 8 * rows);
	const block = new Int32Array(64);
	for (let index = 0; index < columns * rows; index++) {
		const from = 64 * index;
		for (let i = 0; i < 64; i++) block[i] = coefficients[from + i] * factors[i];
		for (let i = 0; i < 8; i++) transform(block, i, 8);
		for (let i = 0; i < 64; i += 8) transform(block, i, 1);
		const to = Math.floor(index / columns) * 8 * stride + (index % columns) * 8;
		for (let i = 0; i < 64; i++) samples[to + (i >> 3) * stride + (i & 7)] = (block[i] >> 5) + 128;
	}
	return samples;
}
