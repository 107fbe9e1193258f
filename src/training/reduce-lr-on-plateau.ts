// `ReduceLROnPlateau` as in Keras.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { learningRateOf, setLearningRate } from "../tensorflow/layers-model";
import type { CallbackState, StatefulCallback } from "./checkpoint";

export interface ReduceLROnPlateauOptions {
	/** Metric to monitor, a loss: lower is better. Default `"val_loss"`. */
	monitor?: string;
	/** Factor by which the learning rate is reduced: `rate * factor`. Default 0.1. */
	factor?: number;
	/** Number of epochs without improvement after which the learning rate is reduced. Default 10. */
	patience?: number;
	/** Minimum change that counts as an improvement. Default 0.0001. */
	minDelta?: number;
	/** Number of epochs to wait after a reduction before monitoring resumes. Default 0. */
	cooldown?: number;
	/** Lower bound of the learning rate. Default 0. */
	minLr?: number;
}

/**
 * Reduces the learning rate when a monitored loss has stopped improving: `keras.callbacks.ReduceLROnPlateau` with
 * `mode="min"`.
 */
export class ReduceLROnPlateau extends tf.Callback implements StatefulCallback {
	private best = Number.POSITIVE_INFINITY;
	private wait = 0;
	private cooling = 0;

	constructor(private readonly options: ReduceLROnPlateauOptions = {}) {
		super();
	}

	override async onEpochEnd(_epoch: number, logs: tf.Logs = {}): Promise<void> {
		const {
			monitor = "val_loss",
			factor = 0.1,
			patience = 10,
			minDelta = 1e-4,
			cooldown = 0,
			minLr = 0,
		} = this.options;
		const current = logs[monitor];
		if (current === undefined) {
			throw new Error(
				`ReduceLROnPlateau monitors ${monitor}, but training logs ${Object.keys(logs).join(", ")}: ` +
					"monitor one of these, or pass validationData",
			);
		}
		if (this.cooling > 0) {
			this.cooling--;
			this.wait = 0;
		}
		if (Number.isFinite(current) && current < this.best - minDelta) {
			this.best = current;
			this.wait = 0;
			return;
		}
		if (this.cooling > 0 || ++this.wait < patience) return;
		const { model } = this;
		const rate = learningRateOf(model);
		if (rate <= minLr) return;
		setLearningRate(model, Math.max(rate * factor, minLr));
		this.cooling = cooldown;
		this.wait = 0;
	}

	stateDict(): CallbackState {
		const { best, wait, cooling } = this;
		return { values: { best, wait, cooling }, weights: [] };
	}

	loadStateDict({ values }: CallbackState): void {
		Object.assign(this, values);
	}
}
