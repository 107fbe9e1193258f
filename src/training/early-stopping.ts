// `EarlyStopping` as in Keras 3.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { CallbackState, StatefulCallback } from "./checkpoint";
import { betterOf } from "./history";

export interface EarlyStoppingOptions {
	/** The log to watch: `"val_loss"`, `"val_acc"`, `"loss"` or `"acc"`. Default `"val_loss"`. */
	monitor?: string;
	/** A change smaller than this is no improvement. Default 0. */
	minDelta?: number;
	/** How many epochs without improvement to wait for. Default 0. */
	patience?: number;
	/** Whether less or more is better; `"auto"` takes more for accuracies, less for losses. Default `"auto"`. */
	mode?: "auto" | "min" | "max";
	/** Waiting starts over only at values better than this. Default: none. */
	baseline?: number;
	/** Whether the model ends with the weights of its best epoch, in place of its last. Default false. */
	restoreBestWeights?: boolean;
	/** The first epoch, from 0, that is watched. Default 0. */
	startFromEpoch?: number;
}

/**
 * Ends training when the watched value no longer improves: `keras.callbacks.EarlyStopping` (Keras 3).
 *
 * tf.layers has a callback of this name that cannot restore weights. As in Keras 3 the best weights come back at the
 * end of training, also when all epochs ran.
 */
export class EarlyStopping extends tf.Callback implements StatefulCallback {
	/** The epoch, from 0, with the best value so far. */
	bestEpoch = 0;
	/** The epoch, from 0, after which training was stopped; 0 when it was not. */
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
		this.keepWeights([]);
	}

	override async onEpochEnd(epoch: number, logs: tf.Logs = {}): Promise<void> {
		const { monitor = "val_loss", patience = 0, baseline, restoreBestWeights, startFromEpoch = 0 } = this.options;
		const current = logs[monitor];
		if (current === undefined) {
			const known = Object.keys(logs).filter((name) => name !== "epoch");
			throw new Error(`EarlyStopping watches ${monitor}, but training logs ${known.join(", ")}`);
		}
		if (epoch < startFromEpoch) return;
		const improved = this.improves(current, this.best);
		if (restoreBestWeights && (improved || this.bestWeights.length === 0)) {
			this.bestEpoch = epoch;
			this.keepWeights(this.weights().map((weight) => tf.keep(weight.clone())));
		}
		this.wait++;
		if (improved) {
			this.best = current;
			this.bestEpoch = epoch;
			if (baseline === undefined || this.improves(current, baseline)) this.wait = 0;
		} else if (this.wait >= patience && epoch > 0) {
			this.stoppedEpoch = epoch;
			(this.model as tf.LayersModel).stopTraining = true;
		}
	}

	override async onTrainEnd(): Promise<void> {
		if (this.bestWeights.length > 0) (this.model as tf.LayersModel).setWeights(this.bestWeights);
		this.keepWeights([]);
	}

	stateDict(): CallbackState {
		const { bestEpoch, stoppedEpoch, wait, best } = this;
		return { values: { bestEpoch, stoppedEpoch, wait, best }, weights: this.bestWeights };
	}

	loadStateDict({ values, weights }: CallbackState): void {
		Object.assign(this, values);
		this.keepWeights(weights.map((weight) => tf.keep(weight)));
	}

	private weights(): tf.Tensor[] {
		return (this.model as tf.LayersModel).getWeights();
	}

	private keepWeights(weights: tf.Tensor[]): void {
		tf.dispose(this.bestWeights);
		this.bestWeights = weights;
	}

	private improves(value: number, than: number | null): boolean {
		const { monitor = "val_loss", minDelta = 0, mode = "auto" } = this.options;
		if (than === null) return true;
		const better = mode === "auto" ? betterOf(monitor) : mode;
		return better === "max" ? value - Math.abs(minDelta) > than : value + Math.abs(minDelta) < than;
	}
}
