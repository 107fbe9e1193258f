// Records the operations of a function as a graph.
//
// The function runs once, eagerly, on a copy of its inputs. Meanwhile the backend's binding is replaced by one that
// passes each operation to TensorFlow and records it as a node. Tensors are identified by their ids in the binding: the
// inputs of an operation are the outputs of the nodes that produced them.
//
//  - Inputs become placeholders. So do numbers that change from run to run, which the function reads with `liveNumber`:
//    the learning rate, the counter of a random generator.
//  - A `tf.Variable` that the function reads becomes a resource variable of the session. A variable that it assigns, or
//    passes to `updateVariables`, is written in the session.
//  - Tensors that the function makes from JavaScript values become constants.
//
// As with `tf.function`, JavaScript runs only while tracing: the branch that was taken, or the value of a custom layer's
// counter, is fixed in the graph. What a graph cannot express throws `CannotTrace`: values read in JavaScript, random
// numbers drawn in JavaScript (each run would repeat them), and tensors from outside the function that are no variables.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { type Binding, type EagerAttribute, type NodeBackend, nodeBackend } from "./backend";
import { type Attribute, type GraphNode, shapeProto, textAttribute } from "./graphdef";
import {
	addAssignments,
	addConstant,
	addOutputs,
	addPlaceholder,
	addUpdate,
	addVariable,
	CannotTrace,
	type NumberType,
	reference,
	referenceOf,
	setReference,
	type Trace,
} from "./trace-nodes";

/** A function of tensors. The caller disposes inputs and outputs. */
export type TensorFunction = (inputs: tf.Tensor[]) => tf.Tensor[];

let tracing: Trace | null = null;

/**
 * Returns a number as a scalar tensor. In a traced function it is a placeholder.
 *
 * @param read returns the number; called before each run of the graph
 */
export function liveNumber(read: () => number, dtype: NumberType = "float32"): tf.Scalar {
	if (!tracing) return tf.scalar(read(), dtype);
	const value = tf.scalar(1, dtype);
	const name = `live_${tracing.live.length}`;
	tracing.live.push({ name, dtype, read });
	addPlaceholder(tracing, name, value);
	return value;
}

/**
 * Adds an operation that updates variables to the graph, such as `ResourceApplyAdam`. It does not run while tracing.
 *
 * @param variables the operation's first inputs
 * @param tensors its other inputs
 */
export function updateVariables(
	op: string,
	variables: tf.Variable[],
	tensors: tf.Tensor[],
	attr: GraphNode["attr"],
): void {
	if (!tracing) throw new Error(`${op} can be used in a traced function only`);
	const trace = tracing;
	const handles = variables.map((variable) => `variable_${addVariable(trace, variable)}`);
	addUpdate(trace, op, variables, [...handles, ...tensors.map((tensor) => reference(trace, tensor))], attr);
}

/**
 * Runs a function once and records its graph. Afterwards all variables have their values from before.
 *
 * @returns the graph and the names of its outputs
 * @throws {CannotTrace} when a graph cannot express the function
 */
export function record(step: TensorFunction, inputs: tf.Tensor[]): { trace: Trace; outputs: string[] } {
	const trace = emptyTrace();
	const copies = inputs.map((tensor) => tensor.clone());
	copies.forEach((tensor, i) => {
		addPlaceholder(trace, `input_${i}`, tensor);
	});
	const undoPatches = patchTensorFlow(trace);
	let results: tf.Tensor[] = [];
	try {
		results = tf.tidy(() => step(copies));
		addAssignments(trace);
		return { trace, outputs: addOutputs(trace, results) };
	} finally {
		undoPatches();
		for (const [variable, value] of trace.before) variable.assign(value);
		tf.dispose([copies, results, [...trace.before.values()]]);
	}
}

/** `registeredVariables` is undocumented; tfjs has no public list of all variables. */
function emptyTrace(): Trace {
	const variables = Object.values(tf.engine().registeredVariables);
	return {
		nodes: [],
		references: new Map(),
		dtypes: new Map(),
		registered: new Map(
			nodeBackend()
				.getInputTensorIds(variables)
				.map((id, i) => [id, variables[i]]),
		),
		variables: [],
		written: new Set(),
		before: new Map(),
		updates: [],
		live: [],
	};
}

/**
 * Patches TensorFlow.js while a function is traced; all three patches can go when tfjs-node traces graphs itself
 * (tensorflow/tfjs#628 reports the cost of running eagerly):
 *
 *  - the backend's `binding`, to record each operation;
 *  - `tf.Variable.prototype.assign`, to keep the values that variables have before tracing;
 *  - `Math.random`, to throw: a number drawn in JavaScript would be a constant of the graph.
 *
 * @returns a function that undoes the patches
 */
function patchTensorFlow(trace: Trace): () => void {
	const backend = nodeBackend();
	const { binding } = backend;
	const { assign } = tf.Variable.prototype;
	const { random } = Math;
	tracing = trace;
	backend.binding = recordingBinding(trace, backend);
	tf.Variable.prototype.assign = function (value) {
		if (!trace.before.has(this)) trace.before.set(this, tf.keep(this.clone()));
		assign.call(this, value);
	};
	Math.random = () => {
		throw new CannotTrace("it draws random numbers in JavaScript");
	};
	return () => {
		tracing = null;
		backend.binding = binding;
		Math.random = random;
		tf.Variable.prototype.assign = assign;
	};
}

/** Returns a binding that also records the operations that it runs. */
function recordingBinding(trace: Trace, { binding }: NodeBackend): Binding {
	const executeOp: Binding["executeOp"] = (op, attributes, inputs, count) => {
		const input = inputs.map((id) => referenceOf(trace, id));
		const outputs = binding.executeOp(op, attributes, inputs, count);
		const name = `${op}_${trace.nodes.length}`;
		const attr = Object.fromEntries(attributes.map((attribute) => [attribute.name, toAttribute(binding, attribute)]));
		for (const [key, i] of Object.entries(INFERRED_TYPES[op] ?? {}))
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
	// The binding's properties are not enumerable: a spread would lose them.
	const properties = Object.getOwnPropertyNames(binding).map((name) => [name, binding[name as `TF_${string}`]]);
	return { ...Object.fromEntries(properties), executeOp, createTensor, tensorDataSync };
}

function toAttribute(binding: Binding, { name, type, value }: EagerAttribute): Attribute {
	if (type === binding.TF_ATTR_TYPE) return { type: value as number };
	if (type === binding.TF_ATTR_INT) return Array.isArray(value) ? { list: { i: value } } : { i: value as number };
	if (type === binding.TF_ATTR_FLOAT) return { f: value as number };
	if (type === binding.TF_ATTR_BOOL) return { b: value as boolean };
	if (type === binding.TF_ATTR_STRING) return textAttribute(value as string);
	if (type === binding.TF_ATTR_SHAPE) return { shape: shapeProto(value as number[]) };
	throw new CannotTrace(`its attribute ${name} has the unknown type ${type}`);
}

/** Dtype attributes that eager TensorFlow infers from the inputs, by input index: tfjs omits them, or sets others. */
const INFERRED_TYPES: Record<string, Record<string, number>> = {
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
