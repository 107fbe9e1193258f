// History and progress of a training run.

/** Learning curves: one value per epoch in each list. */
export interface Curves {
	/** Mean training loss of each epoch. */
	loss: number[];
	/** Training accuracy, 0–1. */
	acc: number[];
	/** Validation loss; empty without validation data. */
	valLoss: number[];
	/** Validation accuracy, 0–1; empty without validation data. */
	valAcc: number[];
}

/** A metric that training records. */
export type Metric = keyof Curves;

/** Title, direction of improvement and name in tf.layers' logs of each metric. */
export const METRICS: Record<Metric, { title: string; better: "min" | "max"; log: string }> = {
	loss: { title: "training loss", better: "min", log: "loss" },
	acc: { title: "training accuracy", better: "max", log: "acc" },
	valLoss: { title: "validation loss", better: "min", log: "val_loss" },
	valAcc: { title: "validation accuracy", better: "max", log: "val_acc" },
};

/** Returns the direction of improvement of a logged metric; if not in `METRICS`, it is inferred from the name. */
export function betterOf(log: string): "min" | "max" {
	const declared = Object.values(METRICS).find((metric) => metric.log === log);
	return declared?.better ?? (/acc|auc|precision|recall|f1/i.test(log) ? "max" : "min");
}

/** Returns curves without any epoch. */
export const emptyCurves = (): Curves => ({ loss: [], acc: [], valLoss: [], valAcc: [] });

/** Record of a training run: `History` in Keras. */
export interface History extends Curves {
	/** Number of epochs that ran: fewer than requested after an early stop. */
	epochsRun: number;
	/** Duration of training in seconds. */
	seconds: number;
}

/** Progress of a training run, for `onProgress`. */
export interface Progress {
	/** Current epoch, from 1, of `epochs`. */
	epoch: number;
	epochs: number;
	/** Last finished batch of the epoch, from 1, of `batches`. */
	batch: number;
	batches: number;
	/** Number of images trained on, over all epochs. */
	samples: number;
	/** Mean loss of this epoch so far. */
	loss: number;
	/** Accuracy of this epoch so far, 0–1. */
	acc: number;
	/** Curves of the finished epochs. */
	history: Curves;
	/** Whether training has ended. */
	done: boolean;
}
