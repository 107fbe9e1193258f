// The tfjs-node backend: eager operations by name, dtype numbers, version.
import * as tf from "@tensorflow/tfjs-node-gpu";

/** The numbers by which TensorFlow calls the types of tensors. */
export const DType = { float32: 1, int32: 3, uint8: 4, string: 7, int64: 9, bool: 10 };

/** What is used of tfjs-node's backend: its binding runs operations and sessions by name. */
export type NodeBackend = {
	binding: Binding;
	getInputTensorIds(tensors: tf.Tensor[]): number[];
	createOutputTensor(output: Output): tf.Tensor;
	executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
};
export type Binding = {
	[constant: `TF_${string}`]: number;
	executeOp(op: string, attributes: EagerAttribute[], inputs: number[], outputs: number): Output[];
	createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
	tensorDataSync(id: number): ArrayBufferView;
	loadSavedModel(folder: string, tags: string): number;
	runSavedModel(session: number, inputs: number[], inputNames: string, outputNames: string): Output[];
	deleteSavedModel(session: number): void;
};
export type Output = { id: number; shape: number[]; dtype: number };
export type EagerAttribute = { name: string; type: number; value: number | number[] | boolean | string };

/** tfjs-node's backend. */
export const nodeBackend = (): NodeBackend => tf.backend() as unknown as NodeBackend;

/**
 * Runs an operation of TensorFlow by its name, for operations that tfjs has no function for.
 *
 * @param types its attributes, as far as they are types
 */
export function runOperation(op: string, types: Record<string, number>, inputs: tf.Tensor[]): tf.Tensor {
	const backend = nodeBackend();
	const { TF_ATTR_TYPE: type } = backend.binding;
	const attributes = Object.entries(types).map(([name, value]) => ({ name, type, value }));
	return backend.executeSingleOutput(op, attributes, inputs);
}

/** The version of the TensorFlow library, for example `"2.21.0"`. */
export const tensorflowVersion = () => (nodeBackend().binding as unknown as { TF_Version: string }).TF_Version;
