// The tfjs-node backend: eager operations by name, dtype numbers, version.
import * as tf from "@tensorflow/tfjs-node-gpu";

/** TensorFlow's numbers of dtypes (`DataType` in its `types.proto`). */
export const DType = { float32: 1, int32: 3, uint8: 4, string: 7, int64: 9, bool: 10, bfloat16: 14 };

/**
 * The fields of tfjs-node's backend that this project uses. `getInputTensorIds` and `createOutputTensor` are private and
 * convert between tensors and the binding's ids; `trace.ts` replaces `binding` while it traces. They can go when tfjs-node
 * has a public API for operations by name and for graphs: `tf.node.loadSavedModel` runs whole signatures only.
 */
export type NodeBackend = {
	binding: Binding;
	getInputTensorIds(tensors: tf.Tensor[]): number[];
	createOutputTensor(output: Output): tf.Tensor;
	executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
};

/** The methods of tfjs-node's native binding that this project calls or replaces; tensors are ids. */
export type Binding = {
	[constant: `TF_${string}`]: number;
	executeOp(op: string, attributes: EagerAttribute[], inputs: number[], outputs: number): Output[];
	createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
	tensorDataSync(id: number): ArrayBufferView;
	/** @param config serialized ConfigProto, added to the binding's own */
	loadSavedModel(folder: string, tags: string, config?: Uint8Array): number;
	runSavedModel(session: number, inputs: number[], inputNames: string, outputNames: string): Output[];
	deleteSavedModel(session: number): void;
	isUsingGpuDevice(): boolean;
};
export type Output = { id: number; shape: number[]; dtype: number };
export type EagerAttribute = { name: string; type: number; value: number | number[] | boolean | string };

/** Returns the tfjs-node backend with its private methods. */
export const nodeBackend = (): NodeBackend => tf.backend() as unknown as NodeBackend;

/**
 * Runs a TensorFlow operation eagerly by its name, for operations that tfjs has no function for.
 *
 * @param types the operation's attributes that are dtypes, as numbers of `DType`
 * @returns its first output
 */
export function runOperation(op: string, types: Record<string, number>, inputs: tf.Tensor[]): tf.Tensor {
	const backend = nodeBackend();
	const { TF_ATTR_TYPE: type } = backend.binding;
	const attributes = Object.entries(types).map(([name, value]) => ({ name, type, value }));
	return backend.executeSingleOutput(op, attributes, inputs);
}

/** Returns the version of the TensorFlow library, for example `"2.21.0"`. */
export const tensorflowVersion = () => (nodeBackend().binding as unknown as { TF_Version: string }).TF_Version;
