// Records the history of a training run and reports its progress.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { divergenceChecks } from "./divergence";
import { emptyCurves, METRICS, type Metric, type Progress } from "./history";

/**
 * Returns a tf.layers callback and the progress object that it updates.
 *
 * @param epochs number of epochs requested
 * @param batches number of batches per epoch
 * @param onProgress function called after each batch and each epoch; null: none
 * @param check throws when a loss or a weight is not a number, before it is recorded
 */
export function progressCallback(
	epochs: number,
	batches: number,
	onProgress: ((progress: Progress) => void) | null,
	check: ReturnType<typeof divergenceChecks>,
): { progress: Progress; callback: tf.CustomCallback } {
	const history = emptyCurves();
	const progress = { epoch: 0, epochs, batch: 0, batches, samples: 0, loss: 0, acc: 0, history, done: false };
	let sums = { samples: 0, loss: 0, acc: 0 };
	const callback = new tf.CustomCallback({
		onEpochBegin: async (epoch) => {
			sums = { samples: 0, loss: 0, acc: 0 };
			progress.epoch = epoch + 1;
		},
		onBatchEnd: async (batch, logs) => {
			const { size = 1, loss, acc } = logs as { size?: number; loss: number; acc: number };
			check.loss("loss", loss, progress.epoch, progress.samples);
			sums = { samples: sums.samples + size, loss: sums.loss + size * loss, acc: sums.acc + size * acc };
			progress.batch = batch + 1;
			progress.samples += size;
			progress.loss = sums.loss / sums.samples;
			progress.acc = sums.acc / sums.samples;
			onProgress?.(progress);
		},
		onEpochEnd: async (_, logs = {}) => {
			check.loss("validation loss", logs.val_loss ?? 0, progress.epoch, progress.samples);
			check.weights(progress.epoch);
			for (const [metric, { log }] of Object.entries(METRICS)) {
				if (log in logs) history[metric as Metric].push(logs[log]);
			}
			onProgress?.(progress);
		},
	});
	return { progress, callback };
}

/** Prints one line per epoch; the default of `onProgress`. */
export function printEpochs({ epoch, epochs, history, batch, batches, done }: Progress): void {
	if (done || batch !== batches || history.loss.length !== epoch) return;
	const shown = Object.entries(history).flatMap(([name, values]) =>
		values.length ? [`${name} ${values[epoch - 1].toFixed(4)}`] : [],
	);
	console.log(`Epoch ${epoch}/${epochs}  ${shown.join("  ")}`);
}
