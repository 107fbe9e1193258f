// `tf.function` for tfjs-node: compiles and runs traced functions.
//
// tfjs-node runs each operation separately. That costs JavaScript time and a copy of every intermediate result, and
// TensorFlow never sees enough operations to fuse them, reuse memory or run them in parallel. Python solves this with
// `tf.function`; this file does the same for TypeScript:
//
//  1. Trace: the function is recorded as a graph (see `trace.ts`), once for each combination of input shapes and dtypes.
//  2. Compile: the graph is loaded as a session.
//  3. Run: each further call is one run of the session.
//
// Variables live in the session. After a run the session has their newest values. The property `dataId` of a variable
// becomes an accessor that fetches the value on the first read, so that callbacks, `getWeights`, `save` and other graphs
// see it. A value that is assigned outside is sent to the session before the next run. While nothing reads or assigns a
// variable, nothing is copied.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { BFLOAT16_CONFIG, withRoundedProducts } from "./bfloat16";
import { type Session, startSession } from "./graphdef";
import type { Arithmetic } from "./precision";
import { record, type TensorFunction } from "./trace";
import { CannotTrace, type Trace } from "./trace-nodes";

/**
 * Compiles a function of tensors to a graph, as `tf.function`.
 *
 * @param step runs once for each combination of input shapes and dtypes; it may read and assign variables
 * @param arithmetic how convolutions and matrix products are computed. Default: "float32"
 * @returns the same function; it throws `CannotTrace` when a graph cannot express `step`
 */
export function traced(step: TensorFunction, arithmetic: Arithmetic = "float32"): TensorFunction {
	const compiled = new Map<string, TensorFunction>();
	return (inputs) => {
		const signature = inputs.map(({ dtype, shape }) => `${dtype} ${shape}`).join();
		const run = compiled.get(signature) ?? compile(step, inputs, arithmetic);
		compiled.set(signature, run);
		return run(inputs);
	};
}

function compile(step: TensorFunction, inputs: tf.Tensor[], arithmetic: Arithmetic): TensorFunction {
	const { trace, outputs } = record(step, inputs);
	let session: Session;
	try {
		const nodes = arithmetic === "emulated bfloat16" ? withRoundedProducts(trace.nodes) : trace.nodes;
		session = startSession(nodes, [], arithmetic === "bfloat16" ? BFLOAT16_CONFIG : undefined);
	} catch (error) {
		throw new CannotTrace((error as Error).message.split("\n")[0].replace(/\.*$/, ""));
	}
	return runner(trace, outputs, session);
}

/** Disposes a session when no function can run it and no variable can fetch from it. */
const sessions = new FinalizationRegistry<Session>((session) => session.dispose());

/** Returns the function that runs a session and synchronizes the variables with it. */
function runner({ variables, written, live }: Trace, outputs: string[], session: Session): TensorFunction {
	const states = variables.map(stateOf);
	const sent = new WeakMap<tf.Variable, object>();
	const owner: Owner = {
		fetch(variable) {
			const [value] = session.run({}, [`read_${variables.indexOf(variable)}:0`]);
			variable.assign(value);
			value.dispose();
			sent.set(variable, variable.dataId);
		},
	};
	sessions.register(owner, session);
	const isChanged = (i: number) => states[i].owner !== owner && sent.get(variables[i]) !== variables[i].dataId;
	return (inputs) => {
		const changed = variables.flatMap((_, i) => (isChanged(i) ? [i] : []));
		send(session, variables, changed);
		for (const i of changed) sent.set(variables[i], variables[i].dataId);
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

/** Assigns the values of some variables, given as indices, to their resource variables in a session. */
function send(session: Session, variables: tf.Variable[], indices: number[]): void {
	if (indices.length === 0) return;
	const feeds = Object.fromEntries(indices.map((i) => [`new_${i}`, variables[i] as tf.Tensor]));
	const assignments = indices.map((i) => `assigned_${i}:0`);
	tf.dispose(session.run(feeds, assignments));
}

/** Where a variable's newest value is: in the tensor `dataId`, or in the session of `owner`. */
type State = { dataId: object; owner: Owner | null };
type Owner = { fetch(variable: tf.Variable): void };

const states = new WeakMap<tf.Variable, State>();

/**
 * Returns the state of a variable, and patches the variable the first time: `dataId` becomes an accessor that fetches the
 * newest value from its session. Without it each run would copy all weights to tfjs. It can go when tfjs-node keeps
 * variables in TensorFlow.
 */
function stateOf(variable: tf.Variable): State {
	const existing = states.get(variable);
	if (existing) return existing;
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
