// Records the operations of a function as a graph.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { type Binding, DType, type EagerAttribute, type NodeBackend, nodeBackend } from "./backend";
import { type Attribute, constant, type GraphNode, shapeProto, textAttribute } from "./graphdef";

/** A function of tensors. Inputs stay the caller's; outputs are the caller's too. */
export type TensorFunction = (inputs: tf.Tensor[]) => tf.Tensor[];

/** Says what it is about a function that no graph can express. */
export class CannotTrace extends Error {}

/** A recording in progress. */
export interface Trace {
	nodes: GraphNode[];
	/** Which output of which node a tensor is, by the tensor's number in the binding. */
	references: Map<number, string>;
	dtypes: Map<number, number>;
	/** All variables there are, by the number of their tensor. */
	registered: Map<number, tf.Variable>;
	/** The variables that the function uses, in the order of their nodes. */
	variables: tf.Variable[];
	/** Those that it writes. */
	written: Set<tf.Variable>;
	/** The values that variables had before the function assigned others. */
	before: Map<tf.Variable, tf.Tensor>;
	/** The nodes that write. */
	updates: string[];
	live: { name: string; dtype: NumberType; read: () => number }[];
}
type NumberType = "float32" | "int32";

let tracing: Trace | null = null;

/** A number as a tensor; a traced function reads it anew at each run. */
export function liveNumber(read: () => number, dtype: NumberType = "float32"): tf.Scalar {
	if (!tracing) return tf.scalar(read(), dtype);
	const value = tf.scalar(1, dtype);
	const name = `live_${tracing.live.length}`;
	tracing.live.push({ name, dtype, read });
	addPlaceholder(tracing, name, value);
	return value;
}

/**
 * Has the graph run an operation that changes variables, such as `ResourceApplyAdam`. The recorded run skips it.
 *
 * @param variables come first among the operation's inputs
 * @param tensors come after them
 */
export function updateVariables(
	op: string,
	variables: tf.Variable[],
	tensors: tf.Tensor[],
	attr: GraphNode["attr"],
): void {
	if (!tracing) throw new Error(`${op} can be used in a traced function only`);
	const handles = variables.map((variable) => `variable_${addVariable(tracing as Trace, variable)}`);
	write(tracing, op, variables, [...handles, ...tensors.map((tensor) => reference(tracing as Trace, tensor))], attr);
}

/** Runs the function, and gives the graph and the names of its outputs. All variables are afterwards as before. */
export function record(step: TensorFunction, inputs: tf.Tensor[]): { trace: Trace; outputs: string[] } {
	const backend = nodeBackend();
	const variables = Object.values(tf.engine().registeredVariables);
	const trace: Trace = {
		nodes: [],
		references: new Map(),
		dtypes: new Map(),
		registered: new Map(backend.getInputTensorIds(variables).map((id, i) => [id, variables[i]])),
		variables: [],
		written: new Set(),
		before: new Map(),
		updates: [],
		live: [],
	};
	const { binding } = backend;
	const { assign } = tf.Variable.prototype;
	const { random } = Math;
	const copies = inputs.map((tensor) => tensor.clone());
	copies.forEach((tensor, i) => {
		addPlaceholder(trace, `input_${i}`, tensor);
	});
	tracing = trace;
	backend.binding = recording(trace, backend);
	tf.Variable.prototype.assign = function (value) {
		if (!trace.before.has(this)) trace.before.set(this, tf.keep(this.clone()));
		assign.call(this, value);
	};
	Math.random = () => {
		throw new CannotTrace("it draws random numbers in JavaScript");
	};
	let results: tf.Tensor[] = [];
	try {
		results = tf.tidy(() => step(copies));
		for (const variable of trace.before.keys()) {
			const i = addVariable(trace, variable);
			write(trace, "AssignVariableOp", [variable], [`variable_${i}`, reference(trace, variable)], { dtype: FLOAT });
		}
		const after = trace.updates.map((name) => `^${name}`);
		const outputs = results.map((tensor, i) => {
			const attr = { T: { type: numberOf(tensor.dtype) } };
			trace.nodes.push({ name: `output_${i}`, op: "Identity", input: [reference(trace, tensor), ...after], attr });
			return `output_${i}:0`;
		});
		return { trace, outputs };
	} finally {
		tracing = null;
		backend.binding = binding;
		Math.random = random;
		tf.Variable.prototype.assign = assign;
		for (const [variable, value] of trace.before) variable.assign(value);
		tf.dispose([copies, results, [...trace.before.values()]]);
	}
}

const FLOAT = { type: DType.float32 };

/** The binding of the backend, which also writes down what it is asked for. */
function recording(trace: Trace, { binding }: NodeBackend): Binding {
	const executeOp: Binding["executeOp"] = (op, attributes, inputs, count) => {
		const input = inputs.map((id) => trace.references.get(id) ?? addOutside(trace, id));
		const outputs = binding.executeOp(op, attributes, inputs, count);
		const name = `${op}_${trace.nodes.length}`;
		const attr = Object.fromEntries(attributes.map((attribute) => [attribute.name, toAttribute(binding, attribute)]));
		for (const [key, i] of Object.entries(TYPES_OF_INPUTS[op] ?? {}))
			attr[key] = { type: trace.dtypes.get(inputs[i]) ?? 0 };
		trace.nodes.push({ name, op, input, attr });
		outputs.forEach(({ id, dtype }, i) => {
			setReference(trace, id, i ? `${name}:${i}` : name, dtype);
		});
		return outputs;
	};
	const createTensor: Binding["createTensor"] = (shape, dtype, values) => {
		const id = binding.createTensor(shape, dtype, values);
		addConstant(trace, id, shape, dtype, values);
		return id;
	};
	const tensorDataSync = () => {
		throw new CannotTrace("it reads values in JavaScript");
	};
	const everything = Object.getOwnPropertyNames(binding).map((name) => [name, binding[name as `TF_${string}`]]);
	return { ...Object.fromEntries(everything), executeOp, createTensor, tensorDataSync };
}

/** From here on a tensor is known as an output of a node. */
function setReference(trace: Trace, id: number, name: string, dtype: number): void {
	trace.references.set(id, name);
	trace.dtypes.set(id, dtype);
}

/** A tensor that was there before. */
function addOutside(trace: Trace, id: number): string {
	const variable = trace.registered.get(id);
	if (!variable) throw new CannotTrace("it uses a tensor that is neither its input nor a variable");
	const name = `read_${addVariable(trace, variable)}`;
	setReference(trace, id, name, DType.float32);
	return name;
}

function addVariable(trace: Trace, variable: tf.Variable): number {
	const known = trace.variables.indexOf(variable);
	if (known >= 0) return known;
	const i = trace.variables.push(variable) - 1;
	if (variable.dtype !== "float32") throw new CannotTrace(`its variable ${variable.name} is ${variable.dtype}`);
	const shape = { shape: shapeProto(variable.shape) };
	const handle = { dtype: FLOAT, shape, shared_name: textAttribute(`variable_${i}`), container: textAttribute("") };
	trace.nodes.push(
		{ name: `variable_${i}`, op: "VarHandleOp", input: [], attr: handle },
		{ name: `read_${i}`, op: "ReadVariableOp", input: [`variable_${i}`], attr: { dtype: FLOAT } },
		{ name: `new_${i}`, op: "Placeholder", input: [], attr: { dtype: FLOAT, shape } },
		// The memory of what is fed can be JavaScript's: a variable must not keep it, and change it in place.
		{ name: `copy_${i}`, op: "DeepCopy", input: [`new_${i}`], attr: { T: FLOAT } },
		{ name: `assign_${i}`, op: "AssignVariableOp", input: [`variable_${i}`, `copy_${i}`], attr: { dtype: FLOAT } },
		// A run must ask for some output: this one is there once the value is.
		{ ...constant(`assigned_${i}`, [], DType.int32, new Int32Array(1)), input: [`^assign_${i}`] },
	);
	return i;
}

/** A node that writes variables, after they were read. */
function write(trace: Trace, op: string, variables: tf.Variable[], input: string[], attr: GraphNode["attr"]): void {
	const name = `update_${trace.updates.length}`;
	const reads = variables.map((variable) => `^read_${trace.variables.indexOf(variable)}`);
	trace.nodes.push({ name, op, input: [...input, ...reads], attr });
	trace.updates.push(name);
	for (const variable of variables) trace.written.add(variable);
}

function addPlaceholder(trace: Trace, name: string, tensor: tf.Tensor): void {
	const dtype = numberOf(tensor.dtype);
	const attr = { dtype: { type: dtype }, shape: { shape: shapeProto(tensor.shape) } };
	trace.nodes.push({ name, op: "Placeholder", input: [], attr });
	const [id] = nodeBackend().getInputTensorIds([tensor]);
	setReference(trace, id, name, dtype);
}

function addConstant(trace: Trace, id: number, shape: number[], dtype: number, values: ArrayBufferView): void {
	if (!ArrayBuffer.isView(values)) throw new CannotTrace("it makes tensors of strings");
	const name = `constant_${trace.nodes.length}`;
	trace.nodes.push(constant(name, shape, dtype, values));
	setReference(trace, id, name, dtype);
}

function reference(trace: Trace, tensor: tf.Tensor): string {
	const [id] = nodeBackend().getInputTensorIds([tensor]);
	return trace.references.get(id) ?? addOutside(trace, id);
}

function numberOf(dtype: tf.DataType): number {
	if (dtype in DType) return DType[dtype as NumberType];
	throw new CannotTrace(`it uses ${dtype} tensors`);
}

function toAttribute(binding: Binding, { name, type, value }: EagerAttribute): Attribute {
	if (type === binding.TF_ATTR_TYPE) return { type: value as number };
	if (type === binding.TF_ATTR_INT) return Array.isArray(value) ? { list: { i: value } } : { i: value as number };
	if (type === binding.TF_ATTR_FLOAT) return { f: value as number };
	if (type === binding.TF_ATTR_BOOL) return { b: value as boolean };
	if (type === binding.TF_ATTR_STRING) return textAttribute(value as string);
	if (type === binding.TF_ATTR_SHAPE) return { shape: shapeProto(value as number[]) };
	throw new CannotTrace(`its attribute ${name} is of no known type`);
}

/** Types that TensorFlow reads off the inputs when it runs an operation: tfjs says nothing, or something else. */
const TYPES_OF_INPUTS: Record<string, Record<string, number>> = {
	Cast: { SrcT: 0 },
	ExpandDims: { T: 0, Tdim: 1 },
	Fill: { T: 1, index_type: 0 },
	Identity: { T: 0 },
	Max: { T: 0, Tidx: 1 },
	Mean: { T: 0, Tidx: 1 },
	PadV2: { T: 0, Tpaddings: 1 },
	Reshape: { T: 0, Tshape: 1 },
	Slice: { T: 0, Index: 1 },
	Squeeze: { T: 0 },
	Sum: { T: 0, Tidx: 1 },
	Tile: { T: 0, Tmultiples: 1 },
	Transpose: { T: 0, Tperm: 1 },
};
