// Feeds batches to a model and stops on interrupt.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch, ImageDataset } from "../datasets/types";
import { checkInterrupt } from "../support/kernel";
import type { Counter } from "../tensorflow/random";
import type { Prepare } from "../tensorflow/steps";
import type { TensorFunction } from "../tensorflow/trace";
import { requireWeightedLoss } from "./compile";

/** Input of a model during training or evaluation. */
interface Feed {
	/** Batches, from the dataset's source if it has one; reading them throws after an interrupt. */
	dataset: tf.data.Dataset<Batch>;
	/** Converts the `xs` of a batch to the model's input. */
	prepare: Prepare;
	/** Returns the sample weights of the current batch. */
	sampleWeights(): tf.Tensor | undefined;
	/** Counters of the dataset's shuffling and random numbers. */
	counters: Counter[];
}

/**
 * Returns the feed of a dataset.
 *
 * @param fast whether batches come from the dataset's source, unprepared
 * @param check is called with the labels of each batch
 */
export function feed(data: tf.data.Dataset<Batch>, fast: boolean, check: (ys: tf.Tensor) => void): Feed {
	const { source: imageSource } = data as ImageDataset;
	const source = fast ? imageSource : undefined;
	let weights: tf.Tensor | undefined;
	const iterator = async () => {
		const batches = source ? source.batches() : await data.iterator();
		const next = async () => {
			await checkInterrupt();
			const result = await batches.next();
			if (!result.done) check(result.value.ys);
			weights = result.value?.sampleWeights;
			return result;
		};
		return { next };
	};
	const dataset = Object.create(data, { iterator: { value: iterator } });
	const counters = imageSource?.counters ?? [];
	return { dataset, prepare: source?.prepare ?? identity, sampleWeights: () => weights, counters };
}

const identity: Prepare = (xs) => xs;

/**
 * Wraps a training step so that the loss of each sample is multiplied by its sample weight and its class weight.
 *
 * @returns the step; it throws when there are weights and the model's loss is no loss of each sample
 */
export function weighted(
	model: tf.LayersModel,
	step: TensorFunction,
	sampleWeights: () => tf.Tensor | undefined,
): TensorFunction {
	let isChecked = false;
	return ([xs, ys, classWeights]) => {
		const weights = sampleWeights();
		if (!weights) return step(classWeights ? [xs, ys, classWeights] : [xs, ys]);
		if (!isChecked) requireWeightedLoss(model);
		isChecked = true;
		const product = classWeights ? classWeights.mul(weights) : weights.clone();
		const results = step([xs, ys, product]);
		tf.dispose([product, weights]);
		return results;
	};
}
