// Tensors and variables of TensorFlow.js, with a corner of their values in NumPy's layout.
import { types } from "node:util";
import { hasMethods, type Kind, textBundle } from "./kind";

interface Tensor {
	shape: number[];
	dtype: string;
	size: number;
	isDisposed: boolean;
	dataSync(): ArrayLike<number | string>;
	gather(indices: number[], axis: number): Tensor;
	dispose(): void;
}

interface Variable extends Tensor {
	name: string;
	trainable: boolean;
}

/** A weight of a layer. */
interface LayerVariable {
	name: string;
	val: Variable;
}

type TypedArray = Float32Array | Float64Array | Uint8Array | Int32Array | BigInt64Array;

/** A tensor of a network that has no values yet. */
interface SymbolicTensor {
	name: string;
	shape: (number | null)[];
	dtype: string;
}

/** Number of values up to which all are shown; NumPy's is 1000, which takes a whole screen. */
const WHOLE = 100;
/** Number of values at both ends of each axis of a larger tensor, by its rank; NumPy's is 3. */
const edgeOf = (rank: number) => [3, 3, 3, 2][rank] ?? 1;
/** Width of a line of values, in characters; NumPy's. */
const WIDTH = 75;
/** Significant digits of a number. */
const DIGITS = 5;
const BYTES: Record<string, number> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

export const tensors: Kind<Tensor> = {
	is: (value): value is Tensor =>
		"dataId" in value &&
		"dtype" in value &&
		Array.isArray((value as Partial<Tensor>).shape) &&
		hasMethods(value, "dataSync"),
	line: (tensor) => `${nameOf(tensor)} ${typeOf(tensor)}${tensor.isDisposed ? ", disposed" : sizeOf(tensor)}`,
	bundle: (tensor) => textBundle([tensors.line(tensor), ...valuesOf(tensor)].join("\n")),
};

export const layerVariables: Kind<LayerVariable> = {
	is: (value): value is LayerVariable => {
		const { val } = value as Partial<LayerVariable>;
		return typeof val === "object" && val !== null && tensors.is(val) && isVariable(val);
	},
	line: ({ name, val }) => tensors.line(renamed(val, name)),
	bundle: ({ name, val }) => tensors.bundle!(renamed(val, name)),
};

export const symbolicTensors: Kind<SymbolicTensor> = {
	is: (value): value is SymbolicTensor => "sourceLayer" in value && "outputTensorIndex" in value && "shape" in value,
	line: (tensor) => `SymbolicTensor ${tensor.name} ${typeOf(tensor)}`,
};

/** Arrays of numbers, which Node shows with all digits of a float64. */
export const typedArrays: Kind<TypedArray> = {
	is: (value): value is TypedArray => types.isTypedArray(value) && !Buffer.isBuffer(value),
	line: (array) => `${array.constructor.name}(${array.length})`,
	bundle(array) {
		const { length } = array;
		const edge = length > WHOLE ? edgeOf(1) : length;
		const shown = length > WHOLE ? [...array.subarray(0, edge), ...array.subarray(length - edge)] : [...array];
		const texts = shown.map((value) => (typeof value === "bigint" ? String(value) : textOf(value)));
		return textBundle(
			`${typedArrays.line(array)}, ${array.byteLength.toLocaleString("en")} bytes\n${layOut(texts, [texts.length], [length])}`,
		);
	},
};

const isVariable = (tensor: Tensor): tensor is Variable => "trainable" in tensor && hasMethods(tensor, "assign");
const typeOf = ({ dtype, shape }: SymbolicTensor | Tensor) =>
	`${dtype} [${shape.map((size) => size ?? "any").join(", ")}]`;
const renamed = (variable: Variable, name: string): Variable => Object.create(variable, { name: { value: name } });

function nameOf(tensor: Tensor): string {
	if (!isVariable(tensor)) return "Tensor";
	return `Variable ${tensor.name}${tensor.trainable ? "" : " (not trainable)"}`;
}

function sizeOf({ size, dtype }: Tensor): string {
	return dtype in BYTES ? `, ${(size * BYTES[dtype]).toLocaleString("en")} bytes` : "";
}

/** The values as text, or none where they cannot be read at once. */
function valuesOf(tensor: Tensor): string[] {
	if (tensor.isDisposed || tensor.size === 0) return [];
	try {
		const { shape } = tensor;
		const edge = tensor.size > WHOLE ? edgeOf(shape.length) : Number.POSITIVE_INFINITY;
		// A tensor is sent from a graphics card: only the corners.
		const corner = cornerOf(tensor, edge);
		const values = corner.dataSync();
		if (corner !== tensor) corner.dispose();
		return [layOut(textsOf(values, tensor.dtype), corner.shape, shape)];
	} catch (error) {
		return [`the values cannot be read: ${(error as Error).message}`];
	}
}

/** The first and the last `edge` along each axis, as one tensor. */
function cornerOf(tensor: Tensor, edge: number): Tensor {
	let corner = tensor;
	// Only numbers can be gathered.
	if (tensor.dtype === "string") return tensor;
	for (const [axis, size] of tensor.shape.entries()) {
		if (size <= 2 * edge) continue;
		const indices = Array.from({ length: 2 * edge }, (_, i) => (i < edge ? i : size - 2 * edge + i));
		const next = corner.gather(indices, axis);
		if (corner !== tensor) corner.dispose();
		corner = next;
	}
	return corner;
}

const textOf = (value: number) => String(Number(value.toPrecision(DIGITS)));

function textsOf(values: ArrayLike<number | string>, dtype: string): string[] {
	const list = Array.from(values);
	if (dtype === "string") return list.map((value) => JSON.stringify(value));
	if (dtype === "bool") return list.map((value) => String(Boolean(value)));
	const numbers = (list as number[]).map(textOf);
	if (dtype !== "complex64") return numbers;
	// Real and imaginary parts in turn.
	return list.flatMap((value, i) =>
		i % 2 ? [`${numbers[i - 1]}${(value as number) < 0 ? "" : "+"}${numbers[i]}j`] : [],
	);
}

/**
 * Lays values out in brackets, the last axis in a line.
 *
 * @param shape that of `texts`; where it is smaller than `whole`, an ellipsis stands for what is left out
 */
function layOut(texts: string[], shape: number[], whole: number[]): string {
	const width = Math.max(...texts.map((text) => text.length));
	const rank = shape.length;
	if (rank === 0) return texts[0];
	let next = 0;
	const part = (axis: number): string => {
		const isLast = axis === rank - 1;
		const parts = Array.from({ length: shape[axis] }, () => (isLast ? texts[next++].padStart(width) : part(axis + 1)));
		if (shape[axis] === 0) return "[]";
		if (shape[axis] < whole[axis]) parts.splice(shape[axis] / 2, 0, "…");
		const indent = " ".repeat(axis + 1);
		if (isLast) return `[${wrapped(parts, indent)}]`;
		// Matrices are set apart by an empty line.
		return `[${parts.join(`,\n${"\n".repeat(rank - axis - 2)}${indent}`)}]`;
	};
	return part(0);
}

function wrapped(parts: string[], indent: string): string {
	const perLine = Math.max(1, Math.floor(WIDTH / (parts[0].length + 2)));
	const lines = Array.from({ length: Math.ceil(parts.length / perLine) }, (_, i) =>
		parts.slice(i * perLine, (i + 1) * perLine).join(", "),
	);
	return lines.join(`,\n${indent}`);
}
