// Reads PyTorch checkpoints (.pth) without PyTorch.
import { type TensorView, unpickle } from "./unpickler";

/** A tensor of a checkpoint: its values in row-major order. */
export interface TorchTensor {
	shape: number[];
	values: Float32Array;
}

/** The number that a checkpoint begins with. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * Reads the float32 tensors of a checkpoint in PyTorch's format before version 1.6: five pickles, then the storages.
 *
 * Tensors of integers, such as the counters of batch norms, are left out.
 *
 * @returns the tensors by name
 * @throws when the file is no such checkpoint, or truncated
 */
export function readTorchCheckpoint(bytes: Buffer): Map<string, TorchTensor> {
	let at = 0;
	const next = () => {
		const { value, end } = unpickle(bytes, at);
		at = end;
		return value;
	};
	if (next() !== MAGIC || next() !== PROTOCOL) throw new Error("it is no PyTorch checkpoint of before version 1.6");
	const system = next() as Map<string, unknown>;
	if (system.get("little_endian") !== true) throw new Error("its numbers are big-endian");
	const state = next() as Map<string, TensorView>;
	const keys = next() as string[];
	const storages = storagesAt(bytes, at, keys, state);
	const floats = [...state].filter(([, { storage }]) => storage.type === "torch FloatStorage");
	return new Map(
		floats.map(([name, view]) => [name, { shape: view.shape, values: valuesOf(view, storages.get(view.storage.key)) }]),
	);
}

/** Bytes of a number in a storage. */
const WIDTHS: Record<string, number> = { "torch FloatStorage": 4, "torch LongStorage": 8 };

/** Returns the bytes of each storage: one after the other, each after its number of elements. */
function storagesAt(
	bytes: Buffer,
	position: number,
	keys: string[],
	state: Map<string, TensorView>,
): Map<string, Buffer> {
	const types = new Map([...state.values()].map(({ storage }) => [storage.key, storage.type]));
	let at = position;
	return new Map(
		keys.map((key) => {
			const width = WIDTHS[types.get(key) ?? ""];
			if (!width) throw new Error(`it has numbers of the type ${types.get(key)}: expected float32`);
			const start = at + 8;
			at = start + (start <= bytes.length ? Number(bytes.readBigInt64LE(at)) * width : 0);
			if (start > bytes.length || at > bytes.length)
				throw new Error(`it is truncated: it ends at byte ${bytes.length}`);
			return [key, bytes.subarray(start, at)];
		}),
	);
}

/** Copies the values of a view in row-major order: a converted checkpoint can keep another order, and says so by strides. */
function valuesOf({ offset, shape, strides }: TensorView, storage: Buffer | undefined): Float32Array {
	if (!storage) throw new Error("it has a tensor without numbers");
	const all = new Float32Array(new Uint8Array(storage).buffer);
	const values = new Float32Array(shape.reduce((product, length) => product * length, 1));
	const index = shape.map(() => 0);
	for (let i = 0, from = offset; i < values.length; i++) {
		if (from >= all.length) throw new Error("it has a tensor that is larger than its numbers");
		values[i] = all[from];
		for (let d = shape.length - 1; d >= 0; d--) {
			from += strides[d];
			if (++index[d] < shape[d]) break;
			from -= index[d] * strides[d];
			index[d] = 0;
		}
	}
	return values;
}
