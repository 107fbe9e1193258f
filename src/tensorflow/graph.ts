// tf.function for tfjs-node: runs a function of tensors as one TensorFlow graph, in place of operation by operation.
//
// tfjs-node hands every operation to TensorFlow by itself. That costs JavaScript and a copy of what lies between two
// operations, and TensorFlow never sees enough at once to fuse, to reuse memory or to run things side by side. Python
// solves this with tf.function; this file does the same for TypeScript, in four steps:
//
//  1. Trace. The function runs once, eagerly, on a copy of the inputs. Meanwhile the backend's binding is replaced by
//     one that passes each operation on to TensorFlow and writes it down as a node of a graph. Tensors are known by
//     their numbers in the binding: an operation's inputs are the outputs of the nodes that made them.
//  2. Inputs become placeholders. Numbers that change from run to run (the learning rate, the count of calls that
//     random draws start from) are asked for with `liveNumber` and become placeholders too.
//  3. Variables. A `tf.Variable` that the function reads becomes a variable inside TensorFlow's session; one that it
//     assigns, or hands to `update`, is written there. After a run the newest value lies in the session. It comes back
//     when someone looks: `dataId` of the variable becomes a property that fetches it first, so that callbacks,
//     `getWeights`, `save` and other graphs see what they should; and a value assigned from outside is sent to the
//     session before the next run. Nothing is copied as long as nobody looks.
//  4. Run. The graph is loaded as a session, once for each combination of input shapes and types, and each further call
//     is one run of it.
//
// As in Python, JavaScript runs at tracing only: a branch, or a counter of a custom layer, stays as it was then. What
// cannot be written down raises `CannotTrace`: values that are read in JavaScript, random numbers drawn there (they
// would be the same in each run), and tensors that come from outside the function and are no variables.
import * as tf from "@tensorflow/tfjs-node-gpu";
import {
	type Attribute,
	type Binding,
	constant,
	DType,
	type EagerAttribute,
	type GraphNode,
	type NodeBackend,
	nodeBackend,
	type Session,
	shapeProto,
	startSession,
	textAttribute,
} from "./graphdef";

/** A function of tensors. Inputs stay the caller's; outputs are the caller's too. */
export type TensorFunction = (inputs: tf.Tensor[]) => tf.Tensor[];

/** Says what it is about a function that no graph can express. */
export class CannotTrace extends Error {}

/** A recording in progress. */
interface Trace {
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

/**
 * Makes a function that runs as a graph.
 *
 * @param step is run once for each combination of input shapes; it may read and assign variables
 * @returns the same function; it throws `CannotTrace` when `step` cannot be a graph
 */
export function traced(step: TensorFunction): TensorFunction {
	const compiled = new Map<string, TensorFunction>();
	return (inputs) => {
		const signature = inputs.map(({ dtype, shape }) => `${dtype} ${shape}`).join();
		const run = compiled.get(signature) ?? compile(step, inputs);
		compiled.set(signature, run);
		return run(inputs);
	};
}

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
export function update(op: string, variables: tf.Variable[], tensors: tf.Tensor[], attr: GraphNode["attr"]): void {
	if (!tracing) throw new Error(`${op} can be used in a traced function only`);
	const handles = variables.map((variable) => `variable_${addVariable(tracing as Trace, variable)}`);
	write(tracing, op, variables, [...handles, ...tensors.map((tensor) => reference(tracing as Trace, tensor))], attr);
}

function compile(step: TensorFunction, inputs: tf.Tensor[]): TensorFunction {
	const { trace, outputs } = record(step, inputs);
	let session: Session;
	try {
		session = startSession(trace.nodes);
	} catch (error) {
		throw new CannotTrace((error as Error).message.split("\n")[0].replace(/\.*$/, ""));
	}
	return runner(trace, outputs, session);
}

/** Frees the graphs that can no longer be run, and whose variables nobody can ask for. */
const sessions = new FinalizationRegistry<Session>((session) => session.dispose());

/** Calls the graph, and sees to it that session and variables agree. */
function runner({ variables, written, live }: Trace, outputs: string[], session: Session): TensorFunction {
	const states = variables.map(stateOf);
	const owner: Owner = {
		fetch(variable) {
			const [value] = session.run({}, [`read_${variables.indexOf(variable)}:0`]);
			variable.assign(value);
			value.dispose();
			sent.set(variable, variable.dataId);
		},
	};
	sessions.register(owner, session);
	const sent = new WeakMap<tf.Variable, object>();
	const sendChanges = () => {
		const changed = variables.flatMap((variable, i) =>
			states[i].owner === owner || sent.get(variable) === variable.dataId ? [] : [i],
		);
		if (changed.length === 0) return;
		const feeds = Object.fromEntries(changed.map((i) => [`new_${i}`, variables[i] as tf.Tensor]));
		tf.dispose(
			session.run(
				feeds,
				changed.map((i) => `assigned_${i}:0`),
			),
		);
		for (const i of changed) sent.set(variables[i], variables[i].dataId);
	};
	return (inputs) => {
		sendChanges();
		const numbers = live.map(({ read, dtype }) => tf.scalar(read(), dtype));
		const feeds = Object.fromEntries([
			...inputs.map((tensor, i) => [`input_${i}`, tensor]),
			...live.map(({ name }, i) => [name, numbers[i]]),
		]);
		const results = session.run(feeds, outputs);
		tf.dispose(numbers);
		variables.forEach((variable, i) => {
			if (written.has(variable)) states[i].owner = owner;
		});
		return results;
	};
}

/** Where a variable's newest value lies: in the tensor `dataId`, or with a session. */
type State = { dataId: object; owner: Owner | null };
type Owner = { fetch(variable: tf.Variable): void };

const states = new WeakMap<tf.Variable, State>();

/** From here on the variable's value is fetched when someone looks at it. */
function stateOf(variable: tf.Variable): State {
	const known = states.get(variable);
	if (known) return known;
	const state: State = { dataId: variable.dataId, owner: null };
	Object.defineProperty(variable, "dataId", {
		get() {
			const { owner } = state;
			state.owner = null;
			owner?.fetch(variable);
			return state.dataId;
		},
		set(dataId) {
			Object.assign(state, { dataId, owner: null });
		},
	});
	states.set(variable, state);
	return state;
}

/** Runs the function, and gives the graph and the names of its outputs. All variables are afterwards as before. */
function record(step: TensorFunction, inputs: tf.Tensor[]): { trace: Trace; outputs: string[] } {
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
			know(trace, id, i ? `${name}:${i}` : name, dtype);
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
function know(trace: Trace, id: number, name: string, dtype: number): void {
	trace.references.set(id, name);
	trace.dtypes.set(id, dtype);
}

/** A tensor that was there before. */
function addOutside(trace: Trace, id: number): string {
	const variable = trace.registered.get(id);
	if (!variable) throw new CannotTrace("it uses a tensor that is neither its input nor a variable");
	const name = `read_${addVariable(trace, variable)}`;
	know(trace, id, name, DType.float32);
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
	know(trace, id, name, dtype);
}

function addConstant(trace: Trace, id: number, shape: number[], dtype: number, values: ArrayBufferView): void {
	if (!ArrayBuffer.isView(values)) throw new CannotTrace("it makes tensors of strings");
	const name = `constant_${trace.nodes.length}`;
	trace.nodes.push(constant(name, shape, dtype, values));
	know(trace, id, name, dtype);
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
