// `EarlyStopping` as in Keras 3.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { CallbackState, StatefulCallback } from "./checkpoint";
import { betterOf } from "./history";

export interface EarlyStoppingOptions {
	/** Metric to monitor: `"val_loss"`, `"val_acc"`, `"loss"` or `"acc"`. Default `"val_loss"`. */
	monitor?: string;
	/** Minimum change that counts as an improvement. Default 0. */
	minDelta?: number;
	/** Number of epochs without improvement after which training stops. Default 0. */
	patience?: number;
	/** Direction of improvement; `"auto"` is `"max"` for accuracies, `"min"` for losses. Default `"auto"`. */
	mode?: "auto" | "min" | "max";
	/** Value that the metric must beat for an improvement to reset the patience. Default: none. */
	baseline?: number;
	/** Whether to restore the weights of the best epoch when training ends. Default false: those of the last. */
	restoreBestWeights?: boolean;
	/** Number of warm-up epochs before monitoring starts. Default 0. */
	startFromEpoch?: number;
}

/**
 * Stops training when a monitored metric has stopped improving: `keras.callbacks.EarlyStopping` (Keras 3).
 *
 * The callback of this name in tf.layers cannot restore weights. As in Keras 3 the best weights are restored at the end
 * of training even if all epochs ran.
 */
export class EarlyStopping extends tf.Callback implements StatefulCallback {
	/** Epoch with the best value so far, from 0. */
	bestEpoch = 0;
	/** Epoch after which training was stopped, from 0; 0 when it was not stopped. */
	stoppedEpoch = 0;
	private wait = 0;
	private best: number | null = null;
	private bestWeights: tf.Tensor[] = [];

	constructor(private readonly options: EarlyStoppingOptions = {}) {
		super();
	}

	override async onTrainBegin(): Promise<void> {
		this.bestEpoch = 0;
		this.stoppedEpoch = 0;
		this.wait = 0;
		this.best = null;
		this.setBestWeights([]);
	}

	override async onEpochEnd(epoch: number, logs: tf.Logs = {}): Promise<void> {
		const { monitor = "val_loss", patience = 0, baseline, restoreBestWeights, startFromEpoch = 0 } = this.options;
		const current = logs[monitor];
		if (current === undefined) {
			const available = Object.keys(logs).filter((name) => name !== "epoch");
			throw new Error(
				`EarlyStopping monitors ${monitor}, but training logs ${available.join(", ")}: ` +
					"monitor one of these, or pass validationData",
			);
		}
		if (epoch < startFromEpoch) return;
		const improved = this.isImprovement(current, this.best);
		if (restoreBestWeights && (improved || (this.bestWeights.length === 0 && Number.isFinite(current)))) {
			this.bestEpoch = epoch;
			this.setBestWeights(this.weights().map((weight) => tf.keep(weight.clone())));
		}
		this.wait++;
		if (improved) {
			this.best = current;
			this.bestEpoch = epoch;
			if (baseline === undefined || this.isImprovement(current, baseline)) this.wait = 0;
		} else if (this.wait >= patience && epoch > 0) {
			this.stoppedEpoch = epoch;
			(this.model as tf.LayersModel).stopTraining = true;
		}
	}

	override async onTrainEnd(): Promise<void> {
		if (this.bestWeights.length > 0) (this.model as tf.LayersModel).setWeights(this.bestWeights);
		this.setBestWeights([]);
	}

	stateDict(): CallbackState {
		const { bestEpoch, stoppedEpoch, wait, best } = this;
		return { values: { bestEpoch, stoppedEpoch, wait, best }, weights: this.bestWeights };
	}

	loadStateDict({ values, weights }: CallbackState): void {
		Object.assign(this, values);
		this.setBestWeights(weights.map((weight) => tf.keep(weight)));
	}

	private weights(): tf.Tensor[] {
		return (this.model as tf.LayersModel).getWeights();
	}

	private setBestWeights(weights: tf.Tensor[]): void {
		tf.dispose(this.bestWeights);
		this.bestWeights = weights;
	}

	private isImprovement(value: number, reference: number | null): boolean {
		const { monitor = "val_loss", minDelta = 0, mode = "auto" } = this.options;
		if (!Number.isFinite(value)) return false;
		if (reference === null) return true;
		const direction = mode === "auto" ? betterOf(monitor) : mode;
		return direction === "max" ? value - Math.abs(minDelta) > reference : value + Math.abs(minDelta) < reference;
	}
}
