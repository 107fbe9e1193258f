// What the notebooks save: cleaning record, model record, evaluation record.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cleanTheData } from "../cleaning/clean";
import { quarantined } from "../cleaning/quarantine";
import { countImages, type ImageCount } from "../datasets/directory";
import { SPLITS } from "../images/folders";
import type { ReportRow } from "../metrics/classification";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { compile } from "../training/compile";
import type { History } from "../training/history";
import type { TrainingParameters } from "./parameters";

/** Names of the records in an artifacts folder, without `.json`. */
const ARTIFACTS = { cleaning: "cleaning", training: "training", evaluation: "evaluation" };

/** Record of cleaning, for the other notebooks and the report. */
export interface CleaningRecord {
	/** Absolute path of the data set. */
	dataset: string;
	/** Number of usable images per split and class. */
	counts: ImageCount[];
	/** Number of files in quarantine, from this run and earlier ones. */
	removed: number;
	/** Duration of cleaning. */
	seconds: number;
}

/**
 * Counts the images after cleaning and saves the record as `<artifacts>/cleaning.json`.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param seconds duration of cleaning
 */
export function recordCleaning(dataset: string, artifacts: string, seconds: number): CleaningRecord {
	const record = {
		dataset: resolve(dataset),
		counts: countImages(dataset),
		removed: SPLITS.flatMap((split) => quarantined(join(dataset, split))).length,
		seconds,
	};
	saveArtifact(artifacts, ARTIFACTS.cleaning, record);
	return record;
}

/**
 * Cleans the three splits of a data set, unless they are already clean: recorded, with the same image counts as now.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param artifacts folder of the record
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	const saved = loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning);
	const counts = JSON.stringify(countImages(dataset));
	if (saved?.dataset === resolve(dataset) && JSON.stringify(saved.counts) === counts) return saved;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}

/** Record of the evaluation, for the report. */
export interface EvaluationRecord {
	/** Loss and accuracy on the test set, with their confidence intervals. */
	test: { loss: number; accuracy: number; [name: string]: unknown };
	/** Rows of the classification report by class. */
	report: Record<string, ReportRow>;
	/** Confusion matrix: `confusionMatrix[i][j]` images of class i were predicted as class j. */
	confusionMatrix: number[][];
	/** Area under the ROC curve by class. */
	rocAuc: Record<string, number>;
	/** Temperature that calibrates the model's probabilities. */
	temperature: number;
	/** Duration of the evaluation. */
	seconds: number;
}

/** Saves the evaluation of a model as `<artifacts>/evaluation.json`. */
export function recordEvaluation(artifacts: string, record: EvaluationRecord): void {
	saveArtifact(artifacts, ARTIFACTS.evaluation, record);
}

/** Loads the records of an artifacts folder; those that are missing or unreadable are null. */
export const loadRecords = (artifacts: string) => ({
	cleaning: loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning),
	training: loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training),
	evaluation: loadArtifact<EvaluationRecord>(artifacts, ARTIFACTS.evaluation),
});

/** Record of a trained model, next to its weights. */
export interface ModelRecord {
	/** Path of the data set that the model was trained on. */
	dataset: string;
	/** Names of the classes, in the order of the model's outputs. */
	classNames: string[];
	/** Hyperparameters that the model was trained with. */
	parameters: TrainingParameters;
	history: History;
}

/** Saves a model as `<artifacts>/model/` (tfjs layers format) and its record as `<artifacts>/training.json`. */
export async function saveModel(model: tf.LayersModel, artifacts: string, record: ModelRecord): Promise<void> {
	mkdirSync(join(artifacts, "model"), { recursive: true });
	// An interrupted save must not leave a new model with an old record.
	rmSync(join(artifacts, `${ARTIFACTS.training}.json`), { force: true });
	await model.save(`file://${resolve(artifacts, "model")}`);
	saveArtifact(artifacts, ARTIFACTS.training, { ...record, dataset: resolve(record.dataset) });
}

/**
 * Loads the model that `saveModel` saved, compiled.
 *
 * @returns the model and its record, or null when none is saved
 */
export async function loadModel(artifacts: string): Promise<{ model: tf.LayersModel; record: ModelRecord } | null> {
	const record = loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training);
	if (!record) return null;
	const model = await tf.loadLayersModel(`file://${resolve(artifacts, "model", "model.json")}`);
	compile(model, record.parameters.learningRate);
	return { model, record };
}
