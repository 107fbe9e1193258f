// SGD, momentum and Adam as TensorFlow operations; reading and restoring optimizer state.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType } from "./backend";
import type { Compiled } from "./layers-model";
import { CannotTrace, liveNumber, updateVariables } from "./trace";

/** An optimizer's step as nodes of the graph: `gradients[i]` is that of `variables[i]`. */
type OptimizerStep = (variables: tf.Variable[], gradients: tf.Tensor[]) => void;
type Slot = { originalName: string; variable: tf.Variable };

const T = { type: DType.float32 };
const use_locking = { b: false };

function optimizerStep(optimizer: tf.Optimizer): OptimizerStep {
	const kind = optimizer.constructor;
	if (kind === tf.SGDOptimizer) return sgd(optimizer as unknown as Sgd);
	if (kind === tf.MomentumOptimizer) return momentum(optimizer as unknown as Momentum);
	if (kind === tf.AdamOptimizer) return adam(optimizer as unknown as Adam);
	throw new CannotTrace(`its optimizer is ${optimizer.getClassName()}`);
}

/** The fields of tfjs's optimizers; what they learned stays in them, so that training can go on in either way. */
type Sgd = { learningRate: number };
export type Momentum = Sgd & { momentum: number; useNesterov: boolean; accumulations: Slot[] };
export type Adam = {
	learningRate: number;
	beta1: number;
	beta2: number;
	epsilon: number;
	accBeta1: tf.Variable;
	accBeta2: tf.Variable;
	accumulatedFirstMoment: Slot[];
	accumulatedSecondMoment: Slot[];
};

function sgd(optimizer: Sgd): OptimizerStep {
	return (variables, gradients) => {
		const learningRate = liveNumber(() => optimizer.learningRate);
		variables.forEach((variable, i) => {
			updateVariables("ResourceApplyGradientDescent", [variable], [learningRate, gradients[i]], { T, use_locking });
		});
	};
}

function momentum(optimizer: Momentum): OptimizerStep {
	return (variables, gradients) => {
		const learningRate = liveNumber(() => optimizer.learningRate);
		const decay = liveNumber(() => optimizer.momentum);
		const use_nesterov = { b: optimizer.useNesterov };
		variables.forEach((variable, i) => {
			const sum = slot(optimizer.accumulations, i, variable, "momentum");
			const inputs = [learningRate, gradients[i], decay];
			updateVariables("ResourceApplyMomentum", [variable, sum], inputs, { T, use_locking, use_nesterov });
		});
	};
}

/** As Keras: epsilon is added to the uncorrected root of the second moment; tfjs adds it to the corrected one. */
function adam(optimizer: Adam): OptimizerStep {
	return (variables, gradients) => {
		const { accBeta1, accBeta2, accumulatedFirstMoment, accumulatedSecondMoment } = optimizer;
		const rates = [accBeta1, accBeta2, liveNumber(() => optimizer.learningRate)];
		const constants = [optimizer.beta1, optimizer.beta2, optimizer.epsilon].map((value) => tf.scalar(value));
		const inputs = [...rates.map((rate) => rate.clone()), ...constants];
		variables.forEach((variable, i) => {
			const first = slot(accumulatedFirstMoment, i, variable, "m");
			const second = slot(accumulatedSecondMoment, i, variable, "v");
			const attr = { T, use_locking, use_nesterov: { b: false } };
			updateVariables("ResourceApplyAdam", [variable, first, second], [...inputs, gradients[i]], attr);
		});
		accBeta1.assign(accBeta1.mul(optimizer.beta1));
		accBeta2.assign(accBeta2.mul(optimizer.beta2));
	};
}

function slot(slots: Slot[], i: number, variable: tf.Variable, name: string): tf.Variable {
	slots[i] ??= { originalName: `${variable.name}/${name}`, variable: tf.zerosLike(variable).variable(false) };
	return slots[i].variable;
}

export function withOptimizerStep<R>(model: Compiled, run: () => R): R {
	const optimizer = model.optimizer_;
	const apply = optimizerStep(optimizer);
	const minimize = (loss: () => tf.Scalar, _returnCost: boolean, variables: tf.Variable[]) => {
		const { value, grads } = tf.variableGrads(loss, variables);
		const trained = variables.filter(({ name }) => grads[name]);
		apply(
			trained,
			trained.map(({ name }) => grads[name]),
		);
		return value;
	};
	model.optimizer_ = { minimize } as unknown as tf.Optimizer;
	try {
		return run();
	} finally {
		model.optimizer_ = optimizer;
	}
}

/** All that an optimizer needs to continue as if nothing had happened. */
export interface OptimizerState {
	learningRate: number;
	/** The number of steps, then the optimizer's own variables. */
	slots: tf.Tensor[];
	/** β₁ᵗ and β₂ᵗ of Adam, which tfjs would compute again, rounded otherwise; empty for other optimizers. */
	powers: tf.Tensor[];
}

type Stateful = tf.Optimizer & { learningRate: number; accBeta1?: tf.Variable; accBeta2?: tf.Variable };

const powersOf = ({ accBeta1, accBeta2 }: Stateful) => (accBeta1 && accBeta2 ? [accBeta1, accBeta2] : []);

/** Reads the state of an optimizer. Its tensors stay the optimizer's, but for the first of `slots`, the caller's. */
export async function optimizerState(optimizer: tf.Optimizer): Promise<OptimizerState> {
	const { learningRate } = optimizer as Stateful;
	const slots = (await optimizer.getWeights()).map(({ tensor }) => tensor);
	return { learningRate, slots, powers: powersOf(optimizer as Stateful) };
}

/** Gives an optimizer the state that `optimizerState` read. The tensors stay the caller's. */
export async function restoreOptimizerState(
	optimizer: tf.Optimizer,
	{ learningRate, slots, powers }: OptimizerState,
): Promise<void> {
	(optimizer as Stateful).learningRate = learningRate;
	await optimizer.setWeights(slots.map((tensor, i) => ({ name: `slot_${i}`, tensor })));
	powersOf(optimizer as Stateful).forEach((power, i) => {
		power.assign(powers[i]);
	});
}
