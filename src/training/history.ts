// History and progress of a training run.

/** Learning curves: one number an epoch in each list. */
export interface Curves {
	/** Mean training loss of each epoch. */
	loss: number[];
	/** Training accuracy, 0–1. */
	acc: number[];
	/** Loss on the validation data; empty without them. */
	valLoss: number[];
	/** Accuracy on the validation data, 0–1; empty without them. */
	valAcc: number[];
}

/** A metric that training records. */
export type Metric = keyof Curves;

/** What there is to know of each metric: its title, which direction is better, and its name in tf.layers' logs. */
export const METRICS: Record<Metric, { title: string; better: "min" | "max"; log: string }> = {
	loss: { title: "training loss", better: "min", log: "loss" },
	acc: { title: "training accuracy", better: "max", log: "acc" },
	valLoss: { title: "validation loss", better: "min", log: "val_loss" },
	valAcc: { title: "validation accuracy", better: "max", log: "val_acc" },
};

/** Which direction is better for a metric by its name in the logs; other metrics than those of `METRICS` by their name. */
export function betterOf(log: string): "min" | "max" {
	const known = Object.values(METRICS).find((metric) => metric.log === log);
	return known?.better ?? (/acc|auc|precision|recall|f1/i.test(log) ? "max" : "min");
}

/** Returns curves without any epoch. */
export const emptyCurves = (): Curves => ({ loss: [], acc: [], valLoss: [], valAcc: [] });

/** What training recorded. */
export interface History extends Curves {
	/** The number of epochs that ran: fewer than requested after an early stop. */
	epochsRun: number;
	/** The duration of training in seconds. */
	seconds: number;
}

/** The state of a running training, for `onProgress`. */
export interface Progress {
	/** The current epoch, from 1, of `epochs`. */
	epoch: number;
	epochs: number;
	/** The last finished batch, from 1, of `batches`. */
	batch: number;
	batches: number;
	/** The number of images trained on, over all epochs. */
	samples: number;
	/** Mean loss of this epoch so far. */
	loss: number;
	/** Accuracy of this epoch so far, 0–1. */
	acc: number;
	/** The curves of the finished epochs. */
	history: Curves;
	/** True once, after the last epoch. */
	done: boolean;
}
