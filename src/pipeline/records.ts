// What the notebooks save for one another and for the report: cleaning record, model record, evaluation record.
// Loads no TensorFlow, so that the report can read them.
import type { ImageCount } from "../datasets/directory";
import type { ReportRow } from "../metrics/classification";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import type { History } from "../training/history";
import type { TrainingParameters } from "./parameters";

/** The names of the records in an artifacts folder, without `.json`. */
export const ARTIFACTS = { cleaning: "cleaning", training: "training", evaluation: "evaluation" };

/** What cleaning leaves for the other notebooks and the report. */
export interface CleaningRecord {
	dataset: string;
	/** The images per split and class that training can use. */
	counts: ImageCount[];
	/** How many files are in quarantine, from this run and earlier ones. */
	removed: number;
	seconds: number;
}

/** What is kept beside a model's weights. */
export interface ModelRecord {
	/** The folder that the model was trained on. */
	dataset: string;
	classNames: string[];
	/** The parameters of the run that trained it. */
	parameters: TrainingParameters;
	history: History;
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
