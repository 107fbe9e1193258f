// A trained network for single images: pixels to outputs, outputs to calibrated probabilities.
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Pixels } from "../images/decode";
import { withTemperature } from "../metrics/temperature";
import { compiledModel } from "../tensorflow/layers-model";
import { type Prepare, predictStep, type RunOptions } from "../tensorflow/steps";
import { probabilitiesOf, type Row } from "./outputs";

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
	const inputShape = model.inputs[0].shape.slice(1) as [number, number, number];
	const size = inputShape.reduce((product, length) => product * length, 1);
	return {
		inputShape,
		toRow,
		outputsOf(images, batchSize = images.length) {
			if (images.length === 0) return [];
			const pixels = new Float32Array(batchSize * size);
			for (const [i, image] of images.entries()) pixels.set(image, i * size);
			const outputs = tf.tidy(() => step([tf.tensor(pixels, [batchSize, ...inputShape])])[0].arraySync());
			return (outputs as number[][]).slice(0, images.length);
		},
	};
}

/** Returns the same rows with the probabilities at a temperature. */
function calibrated(toRow: (outputs: number[]) => Row, temperature: number): (outputs: number[]) => Row {
	if (temperature === 1) return toRow;
	return (outputs) => {
		const row = toRow(outputs);
		return { ...row, probabilities: withTemperature([row.logProbabilities], temperature)[0] };
	};
}

const unchanged: Prepare = (xs) => xs;
