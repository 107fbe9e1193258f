// Learning-rate range test.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { learningRateOf, setLearningRate } from "../tensorflow/layers-model";
import { train } from "./train";

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
