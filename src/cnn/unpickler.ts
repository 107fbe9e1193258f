// Python's pickle format, as far as PyTorch's checkpoints use it. Nothing of a file is executed: a class or function is
// its name, and what is made of it is decided here.

/** A tensor as a checkpoint describes it: a view into a storage. */
export interface TensorView {
	storage: Storage;
	/** Index of the first element in the storage. */
	offset: number;
	shape: number[];
	/** Distance of neighbours in each dimension, in elements. */
	strides: number[];
}

/** A block of numbers, which follows the pickles in the file. */
export interface Storage {
	/** For example `"torch FloatStorage"`. */
	type: string;
	key: string;
	elements: number;
}

const MARK = Symbol("mark");
type Stack = unknown[];

/**
 * Reads one pickle (protocol 2).
 *
 * @returns the object, with dictionaries as `Map`, tuples and lists as arrays; and the position after the pickle
 * @throws when the file is truncated, or uses what a checkpoint of weights has no need for
 */
export function unpickle(bytes: Buffer, start: number): { value: unknown; end: number } {
	let at = start;
	const stack: Stack = [];
	const memo = new Map<number, unknown>();
	const take = (length: number) => {
		if (at + length > bytes.length) throw new Error(`it is truncated: it ends at byte ${bytes.length}`);
		at += length;
		return bytes.subarray(at - length, at);
	};
	const line = () => {
		const end = bytes.indexOf("\n", at);
		const text = take((end < 0 ? bytes.length : end) - at + 1);
		return text.subarray(0, -1).toString();
	};
	const readers: Record<number, () => unknown> = {
		75: () => take(1)[0],
		77: () => take(2).readUInt16LE(),
		74: () => take(4).readInt32LE(),
		138: () => littleEndian(take(take(1)[0])),
		88: () => take(take(4).readUInt32LE()).toString(),
		99: () => `${line()} ${line()}`,
		104: () => memo.get(take(1)[0]),
		106: () => memo.get(take(4).readUInt32LE()),
	};
	for (;;) {
		const code = take(1)[0];
		if (code === 0x2e) return { value: stack.pop(), end: at };
		if (code === 0x80) take(1);
		else if (code === 0x71) memo.set(take(1)[0], stack.at(-1));
		else if (code === 0x72) memo.set(take(4).readUInt32LE(), stack.at(-1));
		else if (readers[code]) stack.push(readers[code]());
		else if (BUILDERS[code]) BUILDERS[code](stack);
		else throw new Error(`it has the pickle opcode 0x${code.toString(16)} at byte ${at - 1}, which no weights need`);
	}
}

const marked = (stack: Stack) => stack.splice(stack.lastIndexOf(MARK)).slice(1);

/** What opcodes without an argument do to the stack. */
const BUILDERS: Record<number, (stack: Stack) => void> = {
	40: (stack) => stack.push(MARK),
	125: (stack) => stack.push(new Map()),
	93: (stack) => stack.push([]),
	41: (stack) => stack.push([]),
	136: (stack) => stack.push(true),
	137: (stack) => stack.push(false),
	78: (stack) => stack.push(null),
	133: (stack) => stack.push(stack.splice(-1)),
	134: (stack) => stack.push(stack.splice(-2)),
	135: (stack) => stack.push(stack.splice(-3)),
	116: (stack) => stack.push(marked(stack)),
	97: (stack) => (stack.at(-2) as unknown[]).push(stack.pop()),
	101: (stack) => {
		const items = marked(stack);
		(stack.at(-1) as unknown[]).push(...items);
	},
	115: (stack) => addItems(stack, stack.splice(-2)),
	117: (stack) => addItems(stack, marked(stack)),
	// The attributes of an object: only those of the dictionary of tensors, which nothing here needs.
	98: (stack) => stack.pop(),
	81: (stack) => {
		const [, type, key, , elements] = stack.pop() as [string, string, string, string, number];
		stack.push({ type, key, elements } satisfies Storage);
	},
	82: (stack) => {
		const [name, values] = stack.splice(-2) as [string, unknown[]];
		stack.push(construct(name, values));
	},
};

function addItems(stack: Stack, items: unknown[]): void {
	const map = stack.at(-1) as Map<unknown, unknown>;
	for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
}

function construct(name: string, values: unknown[]): unknown {
	if (name === "collections OrderedDict") return new Map();
	if (name !== "torch._utils _rebuild_tensor_v2") throw new Error(`it calls ${name}, which no weights need`);
	const [storage, offset, shape, strides] = values as [Storage, number, number[], number[]];
	return { storage, offset, shape, strides } satisfies TensorView;
}

const littleEndian = (bytes: Buffer) => [...bytes].reverse().reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
