// What a program must know to use an exported model, besides the model.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import type { Conformal } from "../metrics/conformal";
import {
	listOf,
	number,
	objectOf,
	oneOf,
	optional,
	orNull,
	type Rule,
	type Schema,
	text,
	validated,
} from "../support/schema";

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
	/** The classes that an image may have, with a stated coverage, see `fitConformal`; missing where none is stated. */
	conformal?: Conformal;
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

const positive: Rule = (value) => (Number.isFinite(value) && (value as number) > 0 ? null : "a number above 0");
const label = text(10_000);
const conformal = objectOf<Conformal>({
	method: oneOf("lac", "aps"),
	coverage: number(0, 1),
	thresholds: listOf(number(0, 1)),
});

const METADATA: Schema<ExportMetadata> = {
	classNames: listOf(label),
	temperature: orNull(positive),
	threshold: optional(number(0, 1)),
	conformal: optional(conformal),
	weights: optional(label),
};

/** Returns the metadata that an export's file has. @throws with the first field that is not as it is written */
export const readMetadata = (value: unknown): ExportMetadata => validated(value, METADATA);

/** An export's metadata, as its files have it. */
export type Description = ReturnType<typeof descriptionOf>;
