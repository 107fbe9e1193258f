// What a program must know to use an exported model, besides the model.
import type * as tf from "@tensorflow/tfjs-node-gpu";

/** How a model is used: it goes with every format. */
export interface ExportMetadata {
	/** Names of the classes, in the order of the model's outputs. */
	classNames: string[];
	/**
	 * Temperature that calibrates the probabilities, above 0: the softmax of their logarithms divided by it. Null where no
	 * evaluation has fitted one.
	 */
	temperature: number | null;
	/** Least probability of a sure prediction, 0–1; missing where none is chosen. */
	threshold?: number;
	/** Source and licence of the pretrained weights in the model; missing where there are none. */
	weights?: string;
}

/** Returns the metadata of a model with its input and how images become it. */
export const descriptionOf = (model: tf.LayersModel, metadata: ExportMetadata) => {
	const [, height, width, channels] = model.inputs[0].shape as number[];
	return {
		...metadata,
		input: { layout: "NHWC", height, width, channels, dtype: "float32", range: [0, 255] },
		preprocessing: "decode without EXIF orientation; resize bilinear with half-pixel centers, without antialiasing",
		output: "probabilities",
	};
};

/** An export's metadata, as its files have it. */
export type Description = ReturnType<typeof descriptionOf>;
