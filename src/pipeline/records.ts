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

/** The names of the records in an artifacts folder, without `.json`. */
const ARTIFACTS = { cleaning: "cleaning", training: "training", evaluation: "evaluation" };

/** What cleaning leaves for the other notebooks and the report. */
export interface CleaningRecord {
	dataset: string;
	/** The images per split and class that training can use. */
	counts: ImageCount[];
	/** How many files are in quarantine, from this run and earlier ones. */
	removed: number;
	seconds: number;
}

/**
 * Counts what is left after cleaning and keeps it as `<artifacts>/cleaning.json`.
 *
 * @param seconds how long cleaning took
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
 * Cleans the three splits of a data set, unless the record says that it was done and no file came or went since.
 *
 * @param dataset the folder with `train`, `valid` and `test`
 * @param artifacts where the record is kept
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	const known = loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning);
	const counts = JSON.stringify(countImages(dataset));
	if (known?.dataset === resolve(dataset) && JSON.stringify(known.counts) === counts) return known;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}

/** What the evaluation notebook leaves for the report. */
export interface EvaluationRecord {
	/** Loss and accuracy on the test set, with their confidence intervals. */
	test: { loss: number; accuracy: number; [name: string]: unknown };
	/** The rows of the classification report by class. */
	report: Record<string, ReportRow>;
	/** `confusionMatrix[i][j]`: how many images of class i were predicted as class j. */
	confusionMatrix: number[][];
	/** The area under the ROC curve by class. */
	rocAuc: Record<string, number>;
	/** The temperature that calibrates the model's probabilities. */
	temperature: number;
	/** The duration of the evaluation. */
	seconds: number;
}

/** Saves the evaluation of a model as `<artifacts>/evaluation.json`. */
export function recordEvaluation(artifacts: string, record: EvaluationRecord): void {
	saveArtifact(artifacts, ARTIFACTS.evaluation, record);
}

/** The records in an artifacts folder; those that are missing or unreadable are null. */
export const loadRecords = (artifacts: string) => ({
	cleaning: loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning),
	training: loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training),
	evaluation: loadArtifact<EvaluationRecord>(artifacts, ARTIFACTS.evaluation),
});

/** What is kept beside a model's weights. */
export interface ModelRecord {
	/** The folder that the model was trained on. */
	dataset: string;
	classNames: string[];
	/** The parameters of the run that trained it. */
	parameters: TrainingParameters;
	history: History;
}

/** Saves a model as `<artifacts>/model/` (tfjs layers format) and what belongs to it as `<artifacts>/training.json`. */
export async function saveModel(model: tf.LayersModel, artifacts: string, record: ModelRecord): Promise<void> {
	mkdirSync(join(artifacts, "model"), { recursive: true });
	// Interrupted in between, a new model must not stand beside an old record.
	rmSync(join(artifacts, `${ARTIFACTS.training}.json`), { force: true });
	await model.save(`file://${resolve(artifacts, "model")}`);
	saveArtifact(artifacts, ARTIFACTS.training, { ...record, dataset: resolve(record.dataset) });
}

/**
 * Loads what `saveModel` saved, ready to predict and evaluate.
 *
 * @returns the model and its record, or `null` when none is saved
 */
export async function loadModel(artifacts: string): Promise<{ model: tf.LayersModel; record: ModelRecord } | null> {
	const record = loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training);
	if (!record) return null;
	const model = await tf.loadLayersModel(`file://${resolve(artifacts, "model", "model.json")}`);
	compile(model, record.parameters.learningRate);
	return { model, record };
}
