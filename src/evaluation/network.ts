// A trained network for single images: pixels to outputs, outputs to calibrated probabilities.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Pixels } from "../images/decode";
import { compiledModel } from "../tensorflow/layers-model";
import { type Prepare, predictStep, type RunOptions } from "../tensorflow/steps";
import { calibrated, probabilitiesOf, rowOfProbabilities } from "./outputs";
import type { Row } from "./rows";

/** A network that is given images one by one. */
export interface Network {
	/** `[height, width, channels]` of its input. */
	inputShape: [number, number, number];
	/**
	 * Computes the outputs of images in one batch.
	 *
	 * @param images pixels `[height · width · channels]` in 0–255, flat
	 * @param batchSize rows of the batch; those without an image are zeros. Default: the number of images
	 * @returns outputs `[images][units]`
	 */
	outputsOf(images: Pixels[], batchSize?: number): number[][];
	/** Converts the outputs of an image to the classes' probabilities at the temperature; throws when they are none. */
	toRow(outputs: number[]): Row;
}

/**
 * Returns a model as `Network`.
 *
 * @param options `temperature`: see `fitTemperature`, 1 for the probabilities as the network gives them; `fast`: see
 *   `RunOptions`, a graph is made for each number of images
 * @throws as `probabilitiesOf`
 */
export function networkOf(model: tf.LayersModel, { temperature, fast }: RunOptions & { temperature: number }): Network {
	const toRow = calibrated(probabilitiesOf(model), temperature);
	const step = predictStep(compiledModel(model), unchanged, { fast });
	const inputShape = model.inputs[0].shape.slice(1) as Network["inputShape"];
	return { inputShape, toRow, outputsOf: inBatches(inputShape, (batch) => step([batch])[0]) };
}

/** A program from images to probabilities that is no model of tf.layers, such as an exported graph. */
export interface Program {
	/** What it is, for messages. */
	name: string;
	/** `[height, width, channels]` of its input. */
	inputShape: Network["inputShape"];
	/** Computes probabilities `[batch, classes]` of float32 images `[batch, height, width, channels]` in 0–255. */
	run(images: tf.Tensor): tf.Tensor;
}

/** Returns a program as `Network`. What its float32 rounds to 0 or to 1, a temperature cannot tell apart. */
export function networkOfProgram({ name, inputShape, run }: Program, temperature: number): Network {
	const toRow = calibrated((outputs) => rowOfProbabilities(outputs, name), temperature);
	return { inputShape, toRow, outputsOf: inBatches(inputShape, run) };
}

/** Returns a function of batches as one of lists of images. */
function inBatches(inputShape: Network["inputShape"], run: (batch: tf.Tensor) => tf.Tensor): Network["outputsOf"] {
	const size = inputShape.reduce((product, length) => product * length, 1);
	return (images, batchSize = images.length) => {
		if (images.length === 0) return [];
		const pixels = new Float32Array(batchSize * size);
		for (const [i, image] of images.entries()) pixels.set(image, i * size);
		const outputs = tf.tidy(() => run(tf.tensor(pixels, [batchSize, ...inputShape])).arraySync());
		return (outputs as number[][]).slice(0, images.length);
	};
}

const unchanged: Prepare = (xs) => xs;
