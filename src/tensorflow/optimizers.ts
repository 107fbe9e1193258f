// SGD, momentum and Adam as TensorFlow ops; reading and restoring optimizer state.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType } from "./backend";
import { type Compiled, setLearningRate } from "./layers-model";
import { liveNumber, updateVariables } from "./trace";
import { CannotTrace } from "./trace-nodes";

/** Adds the update of variables to the graph; `gradients[i]` is the gradient of `variables[i]`. */
type OptimizerStep = (variables: tf.Variable[], gradients: tf.Tensor[]) => void;

/** A slot variable, as tfjs stores it: the momentum or a moment of one weight. */
type Slot = { originalName: string; variable: tf.Variable };

/**
 * The private fields of tfjs's optimizers. The graph reads the hyperparameters and updates the slot variables in place, so
 * that training can continue eagerly. They can go when tfjs has getters for them.
 */
type Sgd = { learningRate: number };
type Momentum = Sgd & { momentum: number; useNesterov: boolean; accumulations: Slot[] };
type Adam = {
	learningRate: number;
	beta1: number;
	beta2: number;
	epsilon: number;
	accBeta1: tf.Variable;
	accBeta2: tf.Variable;
	accumulatedFirstMoment: Slot[];
	accumulatedSecondMoment: Slot[];
};

const T = { type: DType.float32 };
const use_locking = { b: false };

function optimizerStep(optimizer: tf.Optimizer): OptimizerStep {
	const kind = optimizer.constructor;
	if (kind === tf.SGDOptimizer) return sgd(optimizer as unknown as Sgd);
	if (kind === tf.MomentumOptimizer) return momentum(optimizer as unknown as Momentum);
	if (kind === tf.AdamOptimizer) return adam(optimizer as unknown as Adam);
	throw new CannotTrace(`its optimizer is ${optimizer.getClassName()}`);
}

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

/**
 * Adam as in Keras: epsilon is added to the square root of the second moment before its bias correction, where tfjs adds it
 * after.
 */
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

/** Returns a slot variable, created with zeros and under tfjs's name if it is missing. */
function slot(slots: Slot[], i: number, variable: tf.Variable, name: string): tf.Variable {
	slots[i] ??= { originalName: `${variable.name}/${name}`, variable: tf.zerosLike(variable).variable(false) };
	return slots[i].variable;
}

/**
 * Runs `run`, a traced training step, with the model's optimizer as a single TensorFlow op for each weight.
 *
 * Replaces the private `optimizer_` of the model by an object with `minimize`, the one method that the step calls: tfjs's
 * optimizers compose their formulas of many operations, and its Adam differs from Keras's. Can go when tfjs-node's
 * optimizers use TensorFlow's `ResourceApply…` ops.
 *
 * @throws {CannotTrace} when the optimizer is not SGD, momentum or Adam
 */
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

/** The slot variables by which a training step notices that `setWeights` gave its optimizer others. */
export function slotsOf(optimizer: tf.Optimizer): object | undefined {
	const { accumulatedFirstMoment, accumulations } = optimizer as unknown as Partial<Adam & Momentum>;
	return accumulatedFirstMoment ?? accumulations;
}

/** The state of an optimizer. Training that restores it continues with identical results. */
export interface OptimizerState {
	learningRate: number;
	/** The number of steps, then the slot variables. */
	slots: tf.Tensor[];
	/**
	 * Adam's bias-correction terms β₁ᵗ and β₂ᵗ, which `setWeights` would compute again with another rounding; empty for
	 * other optimizers.
	 */
	powers: tf.Tensor[];
}

type Stateful = tf.Optimizer & { learningRate: number; accBeta1?: tf.Variable; accBeta2?: tf.Variable };

const biasCorrectionOf = ({ accBeta1, accBeta2 }: Stateful) => (accBeta1 && accBeta2 ? [accBeta1, accBeta2] : []);

/** Returns the state of an optimizer. The caller disposes the first tensor of `slots`; the optimizer owns the others. */
export async function optimizerState(optimizer: tf.Optimizer): Promise<OptimizerState> {
	const { learningRate } = optimizer as Stateful;
	const slots = (await optimizer.getWeights()).map(({ tensor }) => tensor);
	return { learningRate, slots, powers: biasCorrectionOf(optimizer as Stateful) };
}

/** Restores the state that `optimizerState` returned. The caller disposes its tensors. */
export async function restoreOptimizerState(
	optimizer: tf.Optimizer,
	{ learningRate, slots, powers }: OptimizerState,
): Promise<void> {
	setLearningRate({ optimizer }, learningRate);
	await optimizer.setWeights(slots.map((tensor, i) => ({ name: `slot_${i}`, tensor })));
	biasCorrectionOf(optimizer as Stateful).forEach((term, i) => {
		term.assign(powers[i]);
	});
}
