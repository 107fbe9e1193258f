// Learning-rate range test.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { learningRateOf, setLearningRate } from "../tensorflow/layers-model";
import { optimizerState, restoreOptimizerState } from "../tensorflow/optimizers";
import { Diverged } from "./divergence";
import { train } from "./train";

/** Loss by learning rate: one element per batch in each list. */
export interface LearningRateCurve {
	learningRates: number[];
	/** Exponential moving average of the training loss. */
	losses: number[];
	/** Learning rate at which the loss falls fastest. */
	suggestion: number;
}

/**
 * Runs a learning-rate range test (Smith, WACV 2017; fastai's `lr_find`): the rate grows exponentially from batch to
 * batch until the loss diverges. Weights and optimizer of the model are restored afterwards.
 *
 * @param model compiled model
 * @param data batches `{ xs, ys }`, repeated as needed
 * @param options `from`: lowest rate, default 1e-6; `to`: highest rate, default 1; `steps`: maximum number of batches,
 *   default 100
 * @throws when the loss is not a number from the start, or as `train` does
 */
export async function findLearningRate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ from = 1e-6, to = 1, steps = 100 }: { from?: number; to?: number; steps?: number } = {},
): Promise<LearningRateCurve> {
	const restore = await snapshot(model);
	const rateAt = (step: number) => from * (to / from) ** (step / (steps - 1));
	const curve = { learningRates: [] as number[], losses: [] as number[] };
	let [smoothed, weight] = [0, 0];
	const callback = new tf.CustomCallback({
		onTrainBegin: async () => setLearningRate(model, from),
		onBatchEnd: async (batch, logs) => {
			// Unlike Keras, which logs the mean of the epoch so far, tf.layers logs the loss of the batch.
			const loss = logs?.loss as number;
			[smoothed, weight] = [0.9 * smoothed + 0.1 * loss, 0.9 * weight + 0.1];
			curve.learningRates.push(learningRateOf(model));
			curve.losses.push(smoothed / weight);
			const diverges = smoothed / weight > 4 * Math.min(...curve.losses);
			if (curve.losses.length === steps || diverges) model.stopTraining = true;
			setLearningRate(model, rateAt(batch + 1));
		},
	});
	try {
		await train(model, data.repeat().take(steps) as typeof data, {
			epochs: 1,
			callbacks: [callback],
			onProgress: null,
		});
	} catch (error) {
		// The test ends where the loss diverges; at the lowest rate that is an error.
		if (!(error instanceof Diverged) || curve.losses.length < 2) throw error;
	} finally {
		await restore();
	}
	return { ...curve, suggestion: steepest(curve) };
}

/** Returns a function that restores the weights and the optimizer of a model: at high rates both can become NaN. */
async function snapshot(model: tf.LayersModel): Promise<() => Promise<void>> {
	const weights = model.getWeights().map((weight) => weight.clone());
	const { learningRate, slots, powers } = await optimizerState(model.optimizer);
	// Training changes the variables in place.
	const state = {
		learningRate,
		slots: slots.map((slot) => slot.clone()),
		powers: powers.map((power) => power.clone()),
	};
	slots[0].dispose();
	return async () => {
		model.setWeights(weights);
		const replaced = await optimizerState(model.optimizer);
		await restoreOptimizerState(model.optimizer, state);
		tf.dispose([weights, replaced.slots, state.slots, state.powers]);
	};
}

/**
 * Returns the rate of the steepest descent of the loss, over windows of a tenth of the rates since single batches are
 * noisy. The first window is skipped: at the lowest rates the loss changes by chance only.
 */
function steepest({ learningRates, losses }: { learningRates: number[]; losses: number[] }): number {
	const window = Math.ceil(losses.length / 10);
	const falls = losses.slice(2 * window).map((loss, i) => losses[i + window] - loss);
	return learningRates[falls.indexOf(Math.max(...falls)) + Math.floor(1.5 * window)];
}
