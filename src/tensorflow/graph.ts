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
import { type Session, startSession } from "./graphdef";
import { CannotTrace, record, type TensorFunction, type Trace } from "./trace";

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
