// Learning-rate range test.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { learningRateOf, setLearningRate } from "../tensorflow/layers-model";
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
 * batch until the loss diverges. Weights and learning rate of the model are restored afterwards.
 *
 * @param model compiled model
 * @param data batches `{ xs, ys }`, repeated as needed
 * @param options `from`: lowest rate, default 1e-6; `to`: highest rate, default 1; `steps`: maximum number of batches,
 *   default 100
 */
export async function findLearningRate(
	model: tf.LayersModel,
	data: tf.data.Dataset<Batch>,
	{ from = 1e-6, to = 1, steps = 100 }: { from?: number; to?: number; steps?: number } = {},
): Promise<LearningRateCurve> {
	const before = { weights: model.getWeights().map((weight) => weight.clone()), rate: learningRateOf(model) };
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
			const diverges = smoothed / weight > 4 * Math.min(...curve.losses) || Number.isNaN(smoothed);
			if (curve.losses.length === steps || diverges) {
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

/**
 * Returns the rate of the steepest descent of the loss, over windows of a tenth of the rates since single batches are
 * noisy. The first window is skipped: at the lowest rates the loss changes by chance only.
 */
function steepest({ learningRates, losses }: { learningRates: number[]; losses: number[] }): number {
	const window = Math.ceil(losses.length / 10);
	const falls = losses.slice(2 * window).map((loss, i) => losses[i + window] - loss);
	return learningRates[falls.indexOf(Math.max(...falls)) + Math.floor(1.5 * window)];
}
