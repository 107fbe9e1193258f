// Feeds batches to a model and stops on interrupt.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch, ImageDataset } from "../datasets/types";
import { checkInterrupt } from "../support/kernel";
import type { Counter } from "../tensorflow/random";
import type { Prepare } from "../tensorflow/steps";
import type { TensorFunction } from "../tensorflow/trace";

/** What a model is fed with. */
interface Feed {
	/** The data, straight from their source if they have one, which stop coming when the user interrupts. */
	dataset: tf.data.Dataset<Batch>;
	/** Makes the model's input of a batch's `xs`. */
	prepare: Prepare;
	/** The weights of the samples of the batch at hand. */
	sampleWeights(): tf.Tensor | undefined;
	/** How far its order and its random numbers were used. */
	counters: Counter[];
}

export function feed(data: tf.data.Dataset<Batch>, fast: boolean): Feed {
	const known = (data as ImageDataset).source;
	const source = fast ? known : undefined;
	let weights: tf.Tensor | undefined;
	const iterator = async () => {
		const batches = source ? source.batches() : await data.iterator();
		const next = async () => {
			await checkInterrupt();
			const result = await batches.next();
			weights = result.value?.sampleWeights;
			return result;
		};
		return { next };
	};
	const dataset = Object.create(data, { iterator: { value: iterator } });
	const counters = known?.counters ?? [];
	return { dataset, prepare: source?.prepare ?? asItIs, sampleWeights: () => weights, counters };
}

const asItIs: Prepare = (xs) => xs;

/** Adds the weights of the samples, by which tf.layers multiplies each sample's loss, to those of the classes. */
export function weighted(step: TensorFunction, sampleWeights: () => tf.Tensor | undefined): TensorFunction {
	return ([xs, ys, classWeights]) => {
		const weights = sampleWeights();
		if (!weights) return step(classWeights ? [xs, ys, classWeights] : [xs, ys]);
		const product = classWeights ? classWeights.mul(weights) : weights.clone();
		const results = step([xs, ys, product]);
		tf.dispose([product, weights]);
		return results;
	};
}

/** The names of a dataset's classes, if it knows them. */
export const classNamesOf = (data: tf.data.Dataset<Batch>) => (data as Partial<ImageDataset>).classNames;
