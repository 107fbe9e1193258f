// The predictions that an evaluation rests on, `predictions.json`: whoever has them can compute its figures again.
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { hashOfJson } from "../support/files";
import { integer, listOf, mapOf, number, objectOf, type Schema, text } from "../support/schema";
import { type ModelRecord, readTraining } from "./records";

/** Labels and outputs of a set of images. */
export interface PredictedImages {
	/** True label of each image. */
	yTrue: number[];
	/** Outputs of the network before the softmax, `[images][classes]`, as `predict` returns them. */
	logits: number[][];
}

/** What the figures of an evaluation are computed from. */
export interface EvaluatedImages {
	classNames: string[];
	/** Label of the class whose detection matters. */
	positiveClass: number;
	/** Seed of the bootstrap. */
	seed: number;
	/** What a missed image of that class costs, and what a false alarm. */
	costs: { falseNegative: number; falsePositive: number };
	test: PredictedImages;
	valid: PredictedImages;
	/** Names of the test images. */
	names: string[];
	/** Indices of the test images that look like one of another set or class. */
	lookAlikes: number[];
	/** Indices of those that the accuracy without leaks and conflicts leaves out. */
	leftOut: number[];
	/** Property of each test image by which slices are made, such as its brightness. */
	properties: Record<string, ArrayLike<number>>;
	/** Rank correlation of the heat maps of the trained and of an untrained network, of some images. */
	mapCorrelations: number[];
}

/** The same for a JSON file: lists of numbers are little-endian bytes in base64. */
export interface PredictionsRecord extends Omit<EvaluatedImages, "test" | "valid" | "properties"> {
	test: EncodedImages;
	valid: EncodedImages;
	/** float32. */
	properties: Record<string, string>;
	/** Hash of the record of the model, as in `EvaluationRecord`. */
	model: string;
}

interface EncodedImages {
	/** uint16. */
	yTrue: string;
	/** float32, image by image. */
	logits: string;
}

const bytes = text(2 ** 29);
const images = objectOf<EncodedImages>({ yTrue: bytes, logits: bytes });
const whole = integer(0, Number.MAX_SAFE_INTEGER);
const cost = number(0, Number.MAX_VALUE);
const PREDICTIONS: Schema<PredictionsRecord> = {
	classNames: listOf(text(10_000)),
	positiveClass: whole,
	seed: number(-Number.MAX_VALUE, Number.MAX_VALUE),
	costs: objectOf<EvaluatedImages["costs"]>({ falseNegative: cost, falsePositive: cost }),
	test: images,
	valid: images,
	names: listOf(text(10_000)),
	lookAlikes: listOf(whole),
	leftOut: listOf(whole),
	properties: mapOf(bytes),
	mapCorrelations: listOf(number(-1.001, 1.001)),
	model: text(100),
};

const NAME = "predictions";

/**
 * Saves what an evaluation was computed from as `<artifacts>/predictions.json`, for the pages that verify themselves.
 *
 * @param model the record of the evaluated model. Default: that of the saved one
 */
export function recordPredictions(
	artifacts: string,
	{ test, valid, properties, ...rest }: EvaluatedImages,
	model = readTraining(artifacts),
): void {
	const columns = Object.entries(properties).map(([name, values]) => [name, base64(Float32Array.from(values))]);
	saveArtifact(artifacts, NAME, {
		...rest,
		...{ test: encoded(test), valid: encoded(valid), properties: Object.fromEntries(columns) },
		model: hashOfJson(model),
	});
}

/** Loads the predictions of an evaluation; null when they are missing, damaged, or of another model. */
export function loadPredictions(artifacts: string, model: ModelRecord): PredictionsRecord | null {
	const remedy = "pages do not verify themselves; npm run report -- 05 makes a new one";
	const record = loadArtifact<PredictionsRecord>(artifacts, NAME, PREDICTIONS, remedy);
	return record && record.model === hashOfJson(model) ? record : null;
}

const encoded = ({ yTrue, logits }: PredictedImages): EncodedImages => ({
	yTrue: base64(Uint16Array.from(yTrue)),
	logits: base64(Float32Array.from(logits.flat())),
});

const base64 = ({ buffer }: Uint16Array | Float32Array) => Buffer.from(buffer).toString("base64");
