// Learning-rate schedules.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { setLearningRate } from "../tensorflow/layers-model";

/** Function of the step, a batch or an epoch from 0, that returns the learning rate. */
export type Schedule = (step: number) => number;

/**
 * Returns a cosine decay of the learning rate: `keras.optimizers.schedules.CosineDecay`.
 *
 * @param initialLearningRate learning rate at step 0
 * @param options `decaySteps`: number of steps of the decay; `alpha`: final learning rate as a fraction of the initial
 *   one, default 0
 */
export function cosineDecay(
	initialLearningRate: number,
	{ decaySteps, alpha = 0 }: { decaySteps: number; alpha?: number },
): Schedule {
	return (step) => {
		const completed = Math.min(step, decaySteps) / decaySteps;
		return initialLearningRate * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * completed)) + alpha);
	};
}

/**
 * Returns an exponential decay of the learning rate: `keras.optimizers.schedules.ExponentialDecay`.
 *
 * @param initialLearningRate learning rate at step 0
 * @param options `decaySteps`: number of steps per decay; `decayRate`: factor per decay; `staircase`: whether the rate
 *   decays at discrete intervals instead of continuously, default false
 */
export function exponentialDecay(
	initialLearningRate: number,
	{ decaySteps, decayRate, staircase = false }: { decaySteps: number; decayRate: number; staircase?: boolean },
): Schedule {
	return (step) => {
		const decays = step / decaySteps;
		return initialLearningRate * decayRate ** (staircase ? Math.floor(decays) : decays);
	};
}

/**
 * Sets the learning rate from a schedule: `keras.callbacks.LearningRateScheduler`, and per batch what Keras does when an
 * optimizer is given a schedule.
 */
export class LearningRateScheduler extends tf.Callback {
	private batch = 0;

	/**
	 * @param schedule function of the step that returns the learning rate
	 * @param per step that `schedule` counts: `"epoch"`, as in Keras's callback, or `"batch"`, as in Keras's optimizers.
	 *   Default `"epoch"`
	 */
	constructor(
		private readonly schedule: Schedule,
		private readonly per: "epoch" | "batch" = "epoch",
	) {
		super();
	}

	override async onEpochBegin(epoch: number): Promise<void> {
		if (this.per === "epoch") setLearningRate(this.model, this.schedule(epoch));
	}

	override async onBatchBegin(): Promise<void> {
		if (this.per === "batch") setLearningRate(this.model, this.schedule(this.batch++));
	}
}
