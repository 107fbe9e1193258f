// What learning curves say about a training run: `diagnose`.
import type { Interval } from "../metrics/mean";
import { proportionConfint, proportionDifferenceConfint } from "../metrics/proportion";

/** The curves that a diagnosis reads, one value per epoch: those of training images measured *after* each epoch. */
export interface DiagnosedCurves {
	/** Training loss after each epoch, without dropout and augmentation; see `EvaluateAfterEpoch`. */
	loss: number[];
	/** Training accuracy after each epoch, 0–1, without dropout and augmentation. */
	acc: number[];
	/** Validation loss after each epoch. */
	valLoss: number[];
	/** Validation accuracy after each epoch, 0–1. */
	valAcc: number[];
}

export interface DiagnoseOptions {
	/** Number of images that training accuracy was measured on. */
	trainingImages: number;
	/** Number of images that validation accuracy was measured on. */
	validationImages: number;
	/** Accuracy of always predicting the most frequent class, 0–1. */
	majority: number;
	/**
	 * Whether validation predictions are related to the labels beyond chance, as `chanceWarning` decides from predictions.
	 * Default: whether the interval of the best epoch's validation accuracy lies above `majority`.
	 */
	learned?: boolean;
}

/**
 * State of a training run.
 *
 * - `"nothing learned"`: neither training nor validation images are classified better than by chance;
 * - `"improving"`: the last epoch has the lowest validation loss, so that training is not finished;
 * - `"overfitting"`: training accuracy exceeds validation accuracy in the last epoch;
 * - `"underfitting"`: no such gap, and training accuracy in the best epoch is low;
 * - `"steady"`: none of these.
 */
export type TrainingState = "nothing learned" | "improving" | "overfitting" | "underfitting" | "steady";

/** A diagnosis; epochs count from 0. */
export interface Diagnosis {
	state: TrainingState;
	/** Epoch with the lowest validation loss. */
	bestEpoch: number;
	/** Training minus validation accuracy in the last epoch, with Newcombe's interval for the numbers of images. */
	gap: Interval;
	/** The same in the best epoch, whose weights `EarlyStopping` restores. */
	bestGap: Interval;
	/** Whether the gap in the last epoch is above `GAP`, and above 0 by its whole interval. */
	hasGap: boolean;
	/** Validation accuracy in the best epoch, with Wilson's interval for the number of images. */
	accuracy: Interval;
	/**
	 * What happened between the best and the last epoch: `"nothing"`, validation loss is the same; `"overfitting"`, training loss fell
	 * while validation loss rose (Prechelt, 1998); `"unstable"`, training loss rose too.
	 */
	afterBest: "nothing" | "overfitting" | "unstable";
	/** Whether validation accuracy in the last epoch differs from that in the best by less than chance explains. */
	withinNoise: boolean;
}

/** Gap between training and validation accuracy above which a network overfits: five points. Smaller gaps do not matter. */
export const GAP = 0.05;

/**
 * Part of the way from the majority baseline to 1 that training accuracy must go in the best epoch: half of it. With balanced classes a
 * network underfits below 0.75, with a majority of 0.7 below 0.85.
 */
export const FIT = 0.5;

/**
 * Diagnoses a training run from its learning curves.
 *
 * States are tried in the order nothing learned, improving, overfitting, underfitting, steady: a run that still improves is
 * not called finished, and a gap counts only beyond the noise of the validation set. A validation accuracy of 0.9 is known
 * to ± 0.03 from 400 images and to ± 0.12 from 24 (95 %). When the training images were memorised and the validation
 * images are at chance, the state is overfitting, not nothing learned.
 *
 * @param curves curves of the same epochs; those of an interrupted run can differ in length by one
 * @throws when no epoch is complete, or a number of images is not above 0
 */
export function diagnose(curves: DiagnosedCurves, options: DiagnoseOptions): Diagnosis {
	const { trainingImages, validationImages, majority } = options;
	const { loss, acc, valLoss, valAcc } = curves;
	const epochs = Math.min(loss.length, acc.length, valLoss.length, valAcc.length);
	if (epochs === 0) throw new Error("there is no complete epoch to diagnose: train for one epoch or more");
	if (!(trainingImages > 0 && validationImages > 0)) {
		throw new Error(
			`trainingImages is ${trainingImages}, validationImages ${validationImages}: expected numbers above 0`,
		);
	}
	const [last, bestEpoch] = [epochs - 1, indexOfLowest(valLoss.slice(0, epochs))];
	const gapIn = (epoch: number) =>
		proportionDifferenceConfint(
			acc[epoch] * trainingImages,
			trainingImages,
			valAcc[epoch] * validationImages,
			validationImages,
		);
	const accuracy = withInterval(valAcc[bestEpoch], validationImages);
	const [gap, bestGap] = [gapIn(last), gapIn(bestEpoch)];
	const hasGap = gap.value > GAP && gap.low > 0;
	const learned = options.learned ?? accuracy.low > majority;
	const isMemorising = withInterval(acc[last], trainingImages).low > majority;
	const states: [TrainingState, boolean][] = [
		["nothing learned", !learned && !isMemorising],
		["improving", learned && bestEpoch === last],
		["overfitting", hasGap],
		["underfitting", acc[bestEpoch] < majority + FIT * (1 - majority)],
	];
	return {
		state: states.find(([, applies]) => applies)?.[0] ?? "steady",
		bestEpoch,
		gap,
		bestGap,
		hasGap,
		accuracy,
		afterBest:
			valLoss[last] === valLoss[bestEpoch] ? "nothing" : loss[last] < loss[bestEpoch] ? "overfitting" : "unstable",
		withinNoise: accuracy.low <= valAcc[last] && valAcc[last] <= accuracy.high,
	};
}

const indexOfLowest = (values: number[]) => values.indexOf(Math.min(...values));

function withInterval(accuracy: number, images: number): Interval {
	return { value: accuracy, ...proportionConfint(accuracy * images, images) };
}
