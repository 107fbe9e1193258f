// The nodes of a traced function's graph: inputs, constants, variables and their updates, outputs.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, nodeBackend } from "./backend";
import { constant, type GraphNode, shapeProto, textAttribute } from "./graphdef";

/** Thrown when a graph cannot express a function; the message says why, for example `"its optimizer is RMSProp"`. */
export class CannotTrace extends Error {}

/** The graph that is recorded. */
export interface Trace {
	nodes: GraphNode[];
	/** Names of the node outputs, by the ids of their tensors. */
	references: Map<number, string>;
	/** Dtypes of the node outputs, by the ids of their tensors. */
	dtypes: Map<number, number>;
	/** All variables of the engine, by the ids of their tensors. */
	registered: Map<number, tf.Variable>;
	/** The variables that the function uses, in the order of their nodes. */
	variables: tf.Variable[];
	/** The variables that the function writes. */
	written: Set<tf.Variable>;
	/** The values of the assigned variables before tracing. */
	before: Map<tf.Variable, tf.Tensor>;
	/** The names of the nodes that write variables. */
	updates: string[];
	/** The placeholders of `liveNumber`. */
	live: { name: string; dtype: NumberType; read: () => number }[];
}
export type NumberType = "float32" | "int32";

const FLOAT = { type: DType.float32 };

/** Records that a tensor is the output of a node. */
export function setReference(trace: Trace, id: number, name: string, dtype: number): void {
	trace.references.set(id, name);
	trace.dtypes.set(id, dtype);
}

/** Returns the name of the node output that a tensor of the function is. */
export function reference(trace: Trace, tensor: tf.Tensor): string {
	const [id] = nodeBackend().getInputTensorIds([tensor]);
	return referenceOf(trace, id);
}

/** Returns the name of the node output for a tensor id. A tensor from outside must be a variable, which is then read. */
export function referenceOf(trace: Trace, id: number): string {
	const recorded = trace.references.get(id);
	if (recorded) return recorded;
	const variable = trace.registered.get(id);
	if (!variable) throw new CannotTrace("it uses a tensor that is neither its input nor a variable");
	const name = `read_${addVariable(trace, variable)}`;
	setReference(trace, id, name, DType.float32);
	return name;
}

/** Adds a variable with the nodes that read and assign it, unless it has them, and returns its index. */
export function addVariable(trace: Trace, variable: tf.Variable): number {
	const index = trace.variables.indexOf(variable);
	if (index >= 0) return index;
	const i = trace.variables.push(variable) - 1;
	if (variable.dtype !== "float32") throw new CannotTrace(`its variable ${variable.name} is ${variable.dtype}`);
	const shape = { shape: shapeProto(variable.shape) };
	const handle = { dtype: FLOAT, shape, shared_name: textAttribute(`variable_${i}`), container: textAttribute("") };
	trace.nodes.push(
		{ name: `variable_${i}`, op: "VarHandleOp", input: [], attr: handle },
		{ name: `read_${i}`, op: "ReadVariableOp", input: [`variable_${i}`], attr: { dtype: FLOAT } },
		{ name: `new_${i}`, op: "Placeholder", input: [], attr: { dtype: FLOAT, shape } },
		// A fed tensor can share JavaScript's memory: a variable must not keep it and update it in place.
		{ name: `copy_${i}`, op: "DeepCopy", input: [`new_${i}`], attr: { T: FLOAT } },
		{ name: `assign_${i}`, op: "AssignVariableOp", input: [`variable_${i}`, `copy_${i}`], attr: { dtype: FLOAT } },
		// A run must fetch an output: this one depends on the assignment.
		{ ...constant(`assigned_${i}`, [], DType.int32, new Int32Array(1)), input: [`^assign_${i}`] },
	);
	return i;
}

/** Adds a node that writes variables after their values were read. */
export function addUpdate(
	trace: Trace,
	op: string,
	variables: tf.Variable[],
	input: string[],
	attr: GraphNode["attr"],
): void {
	const name = `update_${trace.updates.length}`;
	const reads = variables.map((variable) => `^read_${trace.variables.indexOf(variable)}`);
	trace.nodes.push({ name, op, input: [...input, ...reads], attr });
	trace.updates.push(name);
	for (const variable of variables) trace.written.add(variable);
}

/** Adds nodes that assign the variables which the function assigned. */
export function addAssignments(trace: Trace): void {
	for (const variable of trace.before.keys()) {
		const i = addVariable(trace, variable);
		addUpdate(trace, "AssignVariableOp", [variable], [`variable_${i}`, reference(trace, variable)], { dtype: FLOAT });
	}
}

/** Adds output nodes, which run after all updates, and returns their names. */
export function addOutputs(trace: Trace, results: tf.Tensor[]): string[] {
	const updated = trace.updates.map((name) => `^${name}`);
	return results.map((tensor, i) => {
		const attr = { T: { type: numberOf(tensor.dtype) } };
		trace.nodes.push({ name: `output_${i}`, op: "Identity", input: [reference(trace, tensor), ...updated], attr });
		return `output_${i}:0`;
	});
}

/** Adds a placeholder for a tensor, which the session feeds. */
export function addPlaceholder(trace: Trace, name: string, tensor: tf.Tensor): void {
	const dtype = numberOf(tensor.dtype);
	const attr = { dtype: { type: dtype }, shape: { shape: shapeProto(tensor.shape) } };
	trace.nodes.push({ name, op: "Placeholder", input: [], attr });
	const [id] = nodeBackend().getInputTensorIds([tensor]);
	setReference(trace, id, name, dtype);
}

/** Adds a constant for a tensor that was made from JavaScript values. */
export function addConstant(trace: Trace, id: number, shape: number[], dtype: number, values: ArrayBufferView): void {
	if (!ArrayBuffer.isView(values)) throw new CannotTrace("it makes tensors of strings");
	const name = `constant_${trace.nodes.length}`;
	trace.nodes.push(constant(name, shape, dtype, values));
	setReference(trace, id, name, dtype);
}

function numberOf(dtype: tf.DataType): number {
	if (dtype in DType) return DType[dtype as NumberType];
	throw new CannotTrace(`it uses ${dtype} tensors`);
}
