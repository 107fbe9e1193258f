// What the notebooks save for one another and for the report: cleaning record, model record, evaluation record.
// Loads no TensorFlow, so that the report can read them.
import type { DuplicateSet } from "../cleaning/duplicates";
import type { ImageCount } from "../datasets/directory";
import type { ReportRow } from "../metrics/classification";
import { loadArtifact, readArtifact, saveArtifact } from "../support/artifacts";
import { hashOfJson } from "../support/files";
import {
	listOf,
	mapOf,
	number as numberFrom,
	objectOf,
	oneOf,
	optional,
	orNull,
	type Schema,
	text,
} from "../support/schema";
import type { History } from "../training/history";
import type { TrainingParameters } from "./parameters";

/** Names of the records in an artifacts folder, without `.json`. */
export const ARTIFACTS = { cleaning: "cleaning", issues: "issues", training: "training", evaluation: "evaluation" };

/** Record of cleaning, for the other notebooks and the report. */
export interface CleaningRecord {
	/** Absolute path of the data set. */
	dataset: string;
	/** Number of usable images per split and class. */
	counts: ImageCount[];
	/** Hash of the images' names, sizes and times. */
	state: string;
	/** How the files were verified, see `VerifyOptions`. Older records lack it: in full. */
	check?: "full" | "container";
	/** Number of files in quarantine, from this run and earlier ones. */
	removed: number;
	/** Duration of cleaning. */
	seconds: number;
}

/** Record of the duplicates in a data set, for the notebooks that leave them out. */
export interface IssuesRecord {
	/** Absolute path of the data set. */
	dataset: string;
	/** Hash of the images' names, sizes and times, as in `CleaningRecord`. */
	state: string;
	/**
	 * Sets of images that are identical or look alike, with paths relative to the data set. A set in several splits is a leak,
	 * a set in several classes a label conflict.
	 */
	duplicates: DuplicateSet[];
}

/** What a model was trained on, how, and with which result. */
export interface TrainingRecord {
	/** Path of the data set that the model was trained on. */
	dataset: string;
	/** Names of the classes, in the order of the model's outputs. */
	classNames: string[];
	/** Hyperparameters that the model was trained with. */
	parameters: TrainingParameters;
	history: History;
}

/** Record of a trained model, next to its weights. */
export interface ModelRecord extends TrainingRecord {
	/** Fingerprint of the training and validation images; null when they could not be read. */
	data: string | null;
	/** SHA-256 of each file of the model, by name. */
	files: ModelFiles;
	/** Source and licence of the pretrained weights in the model; missing where there are none of `pretrained`. */
	weights?: string;
}

/** SHA-256 of each file of a saved model. */
export type ModelFiles = Record<"model.json" | "weights.bin", string>;

/** Record of the evaluation, for the report. */
export interface EvaluationRecord {
	/** Loss and accuracy on the test set, with their confidence intervals. */
	test: { loss: number; accuracy: number; [name: string]: unknown };
	/** Rows of the classification report: those of the classes in the order of the labels, then the averages. */
	report: ReportRow[];
	/** Confusion matrix: `confusionMatrix[i][j]` images of class i were predicted as class j. */
	confusionMatrix: number[][];
	/** Area under the ROC curve of each class, in the order of the labels. */
	rocAuc: { class: string; auc: number }[];
	/** Temperature that calibrates the model's probabilities. */
	temperature: number;
	/** Accuracy by thirds of each property of the test images, with its interval. Older records lack it. */
	slices?: SliceRow[];
	/** Expected calibration error without and with the temperature. Older records lack it. */
	calibrationError?: [before: number, after: number];
	/** From which probability an image is called positive, by what mistakes cost. Older records lack it. */
	threshold?: PositiveThreshold;
	/** Duration of the evaluation. */
	seconds: number;
	/** Hash of the record of the model that was evaluated: training again makes the evaluation out of date. */
	model: string;
}

/** A third of the test images by a property, see `accuracyBySlice`. */
export interface SliceRow {
	property: string;
	from: number;
	to: number;
	images: number;
	accuracy: number;
	low: number;
	high: number;
}

/** Thresholds for a class whose detection matters. */
export interface PositiveThreshold {
	class: string;
	falseNegativeCost: number;
	falsePositiveCost: number;
	/** The threshold that follows from the costs. */
	theory: number;
	/** The one that costs least on the validation images. */
	tuned: number;
}

const number = numberFrom(-Number.MAX_VALUE, Number.MAX_VALUE);
/** JSON has no NaN and no infinity: they are null. */
const measured = orNull(number);
const label = text(10_000);
const files = objectOf<ModelFiles>({ "model.json": label, "weights.bin": label });

const CLEANING: Schema<CleaningRecord> = {
	dataset: label,
	counts: listOf(objectOf<ImageCount>({ split: label, class: label, images: number })),
	state: label,
	check: optional(oneOf("full", "container")),
	removed: number,
	seconds: number,
};

const ISSUES: Schema<IssuesRecord> = {
	dataset: label,
	state: label,
	duplicates: listOf(
		objectOf<DuplicateSet>({
			paths: listOf(label),
			kind: oneOf("exact", "near", "mirrored", "turned"),
			splits: listOf(label),
			classes: listOf(label),
		}),
	),
};

const curve = listOf(measured);
const TRAINING: Schema<ModelRecord> = {
	dataset: label,
	classNames: listOf(label),
	parameters: mapOf((value) => (["boolean", "string"].includes(typeof value) ? null : number(value))),
	history: objectOf<History>({
		loss: curve,
		acc: curve,
		valLoss: curve,
		valAcc: curve,
		epochsRun: number,
		seconds: number,
	}),
	data: orNull(label),
	files,
	weights: optional(label),
};

const scores = { precision: measured, recall: measured, f1: measured, support: number };
const EVALUATION: Schema<EvaluationRecord> = {
	test: objectOf<{ loss: number; accuracy: number }>({ loss: measured, accuracy: measured }),
	report: listOf(objectOf<ReportRow>({ class: label, ...scores })),
	confusionMatrix: listOf(listOf(number)),
	rocAuc: listOf(objectOf<EvaluationRecord["rocAuc"][number]>({ class: label, auc: measured })),
	temperature: measured,
	slices: optional(
		listOf(
			objectOf<SliceRow>({
				...{ property: label, from: number, to: number, images: number },
				...{ accuracy: number, low: number, high: number },
			}),
		),
	),
	calibrationError: optional(listOf(measured)),
	threshold: optional(
		objectOf<PositiveThreshold>({
			class: label,
			...{ falseNegativeCost: number, falsePositiveCost: number, theory: number, tuned: number },
		}),
	),
	seconds: number,
	model: label,
};

/** Loads the record of cleaning; null when it is missing or damaged, which is reported in a line that ends in `remedy`. */
export const loadCleaning = (artifacts: string, remedy?: string) =>
	loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning, CLEANING, remedy);

/** Loads the record of duplicates; null when it is missing or damaged, which is reported in a line that ends in `remedy`. */
export const loadIssues = (artifacts: string, remedy?: string) =>
	loadArtifact<IssuesRecord>(artifacts, ARTIFACTS.issues, ISSUES, remedy);

/**
 * Reads the record of the saved model.
 *
 * @returns null when it is missing
 * @throws when it is damaged
 */
export const readTraining = (artifacts: string) => readArtifact<ModelRecord>(artifacts, ARTIFACTS.training, TRAINING);

/**
 * Saves the evaluation of a model as `<artifacts>/evaluation.json`.
 *
 * @param model the record of the evaluated model. Default: that of the saved one
 */
export function recordEvaluation(
	artifacts: string,
	evaluation: Omit<EvaluationRecord, "model">,
	model = readTraining(artifacts),
): void {
	saveArtifact(artifacts, ARTIFACTS.evaluation, { ...evaluation, model: hashOfJson(model) });
}

/** Returns the temperature that calibrates the saved model; null where no evaluation of this model has fitted one. */
export function savedTemperature(artifacts: string, model: ModelRecord): number | null {
	const remedy = "probabilities are not calibrated; npm run report -- 05 makes a new one";
	const evaluation = loadArtifact<EvaluationRecord>(artifacts, ARTIFACTS.evaluation, EVALUATION, remedy);
	return evaluation && isEvaluationOf(evaluation, model) ? evaluation.temperature : null;
}

/** Returns whether an evaluation is of this very model, and not of one before it. */
export const isEvaluationOf = (evaluation: EvaluationRecord, model: ModelRecord) =>
	evaluation.model === hashOfJson(model);

/** Loads the records of an artifacts folder; those that are missing or damaged are null. */
export function loadRecords(artifacts: string) {
	const remedy = "it is left out; npm start makes a new one";
	return {
		cleaning: loadCleaning(artifacts, remedy),
		issues: loadIssues(artifacts, remedy),
		training: loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training, TRAINING, remedy),
		evaluation: loadArtifact<EvaluationRecord>(artifacts, ARTIFACTS.evaluation, EVALUATION, remedy),
	};
}
