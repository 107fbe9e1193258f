// The pipeline: hyperparameters, training from files to history, and the records that notebooks leave for each other.
// Start with pipeline/pipeline.ts.
export { DEFAULT_PARAMETERS, expectedValue, PARAMETERS, type TrainingParameters } from "./pipeline/parameters";
export { loadOrTrain, trainPipeline } from "./pipeline/pipeline";
export {
	type CleaningRecord,
	type EvaluationRecord,
	ensureClean,
	loadModel,
	loadRecords,
	type ModelRecord,
	recordCleaning,
	recordEvaluation,
	saveModel,
} from "./pipeline/records";
export { loadArtifact, saveArtifact } from "./support/artifacts";
