// Learning-rate schedules.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { modelOf, setLearningRate } from "../tensorflow/layers-model";

/** The learning rate at a step, which counts batches or epochs from 0. */
export type Schedule = (step: number) => number;

/**
 * From the first rate down to `alpha` times it, along half a cosine: `keras.optimizers.schedules.CosineDecay`.
 *
 * @param options `decaySteps`: how many steps that takes; `alpha`: default 0
 */
export function cosineDecay(
	initialLearningRate: number,
	{ decaySteps, alpha = 0 }: { decaySteps: number; alpha?: number },
): Schedule {
	return (step) => {
		const done = Math.min(step, decaySteps) / decaySteps;
		return initialLearningRate * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * done)) + alpha);
	};
}

/**
 * Times `decayRate` for each `decaySteps`: `keras.optimizers.schedules.ExponentialDecay`.
 *
 * @param options `staircase`: whether it goes down at once and then stays, in place of bit by bit. Default false
 */
export function exponentialDecay(
	initialLearningRate: number,
	{ decaySteps, decayRate, staircase = false }: { decaySteps: number; decayRate: number; staircase?: boolean },
): Schedule {
	return (step) => {
		const times = step / decaySteps;
		return initialLearningRate * decayRate ** (staircase ? Math.floor(times) : times);
	};
}

/** Sets the learning rate before each step: `keras.callbacks.LearningRateScheduler`, or a schedule for an optimizer. */
export class LearningRateScheduler extends tf.Callback {
	private batch = 0;

	/** @param per whether `schedule` counts epochs, as Keras's callback, or batches, as Keras's optimizers. Default epochs */
	constructor(
		private readonly schedule: Schedule,
		private readonly per: "epoch" | "batch" = "epoch",
	) {
		super();
	}

	override async onEpochBegin(epoch: number): Promise<void> {
		if (this.per === "epoch") setLearningRate(modelOf(this), this.schedule(epoch));
	}

	override async onBatchBegin(): Promise<void> {
		if (this.per === "batch") setLearningRate(modelOf(this), this.schedule(this.batch++));
	}
}
