// How large a training step should be, and when to make it smaller.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/dataset";
import type { Memory, Remembering } from "./checkpoint";
import { train } from "./train";

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

export interface ReduceLROnPlateauOptions {
	/** The log to watch, where less is better. Default `"val_loss"`. */
	monitor?: string;
	/** What the learning rate is multiplied by. Default 0.1. */
	factor?: number;
	/** How many epochs without improvement to wait for. Default 10. */
	patience?: number;
	/** A change smaller than this is no improvement. Default 0.0001. */
	minDelta?: number;
	/** How many epochs to wait after a reduction. Default 0. */
	cooldown?: number;
	/** The learning rate does not go below this. Default 0. */
	minLr?: number;
}

/** Makes smaller steps when the watched value no longer improves: `keras.callbacks.ReduceLROnPlateau` for losses. */
export class ReduceLROnPlateau extends tf.Callback implements Remembering {
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
			throw new Error(`ReduceLROnPlateau watches ${monitor}, but training logs ${Object.keys(logs).join(", ")}`);
		}
		if (this.cooling > 0) {
			this.cooling--;
			this.wait = 0;
		}
		if (current < this.best - minDelta) {
			this.best = current;
			this.wait = 0;
			return;
		}
		if (this.cooling > 0 || ++this.wait < patience) return;
		const model = modelOf(this);
		const rate = learningRateOf(model);
		if (rate <= minLr) return;
		setLearningRate(model, Math.max(rate * factor, minLr));
		this.cooling = cooldown;
		this.wait = 0;
	}

	memory(): Memory {
		const { best, wait, cooling } = this;
		return { values: { best, wait, cooling }, weights: [] };
	}

	recall({ values }: Memory): void {
		Object.assign(this, values);
	}
}

export interface LearningRateCurve {
	learningRates: number[];
	/** The mean loss of the batches so far, older ones counting less. */
	losses: number[];
	/** The rate at which the loss falls fastest. */
	suggestion: number;
}

/**
 * Tries rates from small to large, one a batch, and looks when the loss goes up (Smith, WACV 2017; fastai's `lr_find`).
 * The model and its learning rate are afterwards what they were.
 *
 * @param options `from`: default 1e-6; `to`: default 1; `steps`: at most so many, default 100
 */
export async function findLearningRate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ from = 1e-6, to = 1, steps = 100 }: { from?: number; to?: number; steps?: number } = {},
): Promise<LearningRateCurve> {
	const before = { weights: model.getWeights().map((weight) => weight.clone()), rate: learningRateOf(model) };
	const rateAt = (step: number) => from * (to / from) ** (step / (steps - 1));
	const curve = { learningRates: [] as number[], losses: [] as number[] };
	let [smooth, sum] = [0, 0];
	const callback = new tf.CustomCallback({
		onTrainBegin: async () => setLearningRate(model, from),
		onBatchEnd: async (batch, logs) => {
			// tf.layers logs the loss of the batch.
			const loss = logs?.loss as number;
			[smooth, sum] = [0.9 * smooth + 0.1 * loss, 0.9 * sum + 0.1];
			curve.learningRates.push(learningRateOf(model));
			curve.losses.push(smooth / sum);
			if (curve.losses.length === steps || smooth / sum > 4 * Math.min(...curve.losses) || Number.isNaN(smooth)) {
				model.stopTraining = true;
			}
			setLearningRate(model, rateAt(batch + 1));
		},
	});
	try {
		await train(model, data.repeat().take(steps) as typeof data, {
			epochs: 1,
			callbacks: [callback],
			onProgress: null,
		});
	} finally {
		model.setWeights(before.weights);
		setLearningRate(model, before.rate);
		tf.dispose(before.weights);
	}
	return { ...curve, suggestion: steepest(curve) };
}

/** Over a tenth of the rates at a time, since single batches say little; the first tenth is chance, the smallest rates. */
function steepest({ learningRates, losses }: { learningRates: number[]; losses: number[] }): number {
	const window = Math.ceil(losses.length / 10);
	const falls = losses.slice(2 * window).map((loss, i) => losses[i + window] - loss);
	return learningRates[falls.indexOf(Math.max(...falls)) + Math.floor(1.5 * window)];
}

type WithRate = { optimizer: { learningRate: number } };

/** The learning rate that the next step takes. */
export const learningRateOf = (model: tf.LayersModel) => (model as unknown as WithRate).optimizer.learningRate;

/** Changes the learning rate of a compiled model; its optimizer keeps what it has gathered. */
export function setLearningRate(model: tf.LayersModel, rate: number): void {
	(model as unknown as WithRate).optimizer.learningRate = rate;
}

const modelOf = (callback: tf.Callback) => (callback as unknown as { model: tf.LayersModel }).model;
