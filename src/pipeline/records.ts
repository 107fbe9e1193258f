// What the notebooks save for one another and for the report: cleaning record, model record, evaluation record.
// Loads no TensorFlow, so that the report can read them.
import type { ImageCount } from "../datasets/directory";
import type { ReportRow } from "../metrics/classification";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { hashOfJson } from "../support/files";
import type { History } from "../training/history";
import type { TrainingParameters } from "./parameters";

/** Names of the records in an artifacts folder, without `.json`. */
export const ARTIFACTS = { cleaning: "cleaning", training: "training", evaluation: "evaluation" };

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
	/** Duration of the evaluation. */
	seconds: number;
	/** Hash of the record of the model that was evaluated: training again makes the evaluation out of date. */
	model?: string;
}

/** Saves the evaluation of the saved model as `<artifacts>/evaluation.json`. */
export function recordEvaluation(artifacts: string, record: EvaluationRecord): void {
	const model = hashOfJson(loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training));
	saveArtifact(artifacts, ARTIFACTS.evaluation, { ...record, model });
}

/** Loads the records of an artifacts folder; those that are missing or unreadable are null. */
export const loadRecords = (artifacts: string) => ({
	cleaning: loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning),
	training: loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training),
	evaluation: loadArtifact<EvaluationRecord>(artifacts, ARTIFACTS.evaluation),
});
