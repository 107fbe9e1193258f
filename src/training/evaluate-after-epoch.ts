// `EvaluateAfterEpoch`: loss and accuracy of the training images on the same footing as those of the validation images.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../datasets/types";
import { compiledModel } from "../tensorflow/layers-model";
import { testStep } from "../tensorflow/steps";
import type { TensorFunction } from "../tensorflow/trace";
import type { CallbackState, StatefulCallback } from "./checkpoint";
import { feed } from "./feed";
import { labelCheck } from "./labels";

/**
 * Evaluates the model on a dataset after each epoch, as `validationData` is evaluated: `model.evaluate` in a callback's
 * `on_epoch_end`. Pass training images without augmentation to compare training with validation accuracy.
 *
 * The training accuracy in the history is the running mean over the epoch's batches: of weights that still changed, with
 * dropout and with augmentation. It says little about overfitting, for it can lie far below the accuracy after the epoch.
 *
 * Training is not disturbed: dropout is off, so no random number is drawn, and the order in which a shuffling dataset is
 * read next stays the same. The values are part of a checkpoint.
 */
export class EvaluateAfterEpoch extends tf.Callback implements StatefulCallback {
	/** Mean loss over all samples after each epoch. */
	loss: number[] = [];
	/** Accuracy after each epoch, 0–1. */
	acc: number[] = [];
	private input?: ReturnType<typeof feed>;
	private step?: TensorFunction;

	/** @param data for example the training dataset before augmentation, or a fixed sample of it */
	constructor(private readonly data: tf.data.Dataset<Batch>) {
		super();
	}

	/** Makes the test step. `train` calls it before training, since tf.layers' own steps are replaced during training. */
	prepare(model: tf.LayersModel, { fast }: { fast: boolean }): void {
		this.input = feed(this.data, fast, labelCheck(model));
		this.step = testStep(compiledModel(model), this.input.prepare, { fast });
	}

	override async onTrainBegin(): Promise<void> {
		this.loss = [];
		this.acc = [];
	}

	override async onEpochEnd(): Promise<void> {
		const { input, step } = this;
		if (!input || !step) throw new Error("EvaluateAfterEpoch is a callback of train: pass it in callbacks there");
		const counts = input.counters.map(({ count }) => count);
		const totals = { samples: 0, loss: 0, acc: 0 };
		try {
			const batches = await input.dataset.iterator();
			for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
				const { xs, ys } = batch.value;
				const size = ys.shape[0];
				const results = step([xs, ys]);
				const [loss, acc] = results.map((result) => result.dataSync()[0]);
				tf.dispose([xs, ys, results]);
				totals.samples += size;
				totals.loss += size * loss;
				totals.acc += size * acc;
			}
		} finally {
			for (const [i, counter] of input.counters.entries()) counter.count = counts[i];
		}
		this.loss.push(totals.loss / totals.samples);
		this.acc.push(totals.acc / totals.samples);
	}

	stateDict(): CallbackState {
		const values = (name: "loss" | "acc") => this[name].map((value, epoch) => [`${name}/${epoch}`, value]);
		return { values: Object.fromEntries([...values("loss"), ...values("acc")]), weights: [] };
	}

	loadStateDict({ values }: CallbackState): void {
		const listOf = (name: "loss" | "acc") => {
			const epochs = Object.keys(values).filter((key) => key.startsWith(`${name}/`)).length;
			return Array.from({ length: epochs }, (_, epoch) => values[`${name}/${epoch}`] as number);
		};
		this.loss = listOf("loss");
		this.acc = listOf("acc");
	}
}
