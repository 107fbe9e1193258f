// The pipeline: hyperparameters, training from files to history, and the records that notebooks leave for each other.
// Start with pipeline/pipeline.ts.
export { ensureClean, recordCleaning } from "./pipeline/ensure-clean";
export { ensureIssues, recordIssues } from "./pipeline/ensure-issues";
export { type PipelineNetwork, pipelineNetwork } from "./pipeline/network";
export { DEFAULT_PARAMETERS, expectedValue, PARAMETERS, type TrainingParameters } from "./pipeline/parameters";
export { loadOrTrain, trainPipeline } from "./pipeline/pipeline";
export { type EvaluatedImages, type PredictedImages, recordPredictions } from "./pipeline/predictions";
export {
	type CleaningRecord,
	type EvaluationRecord,
	type IssuesRecord,
	loadRecords,
	type ModelRecord,
	recordEvaluation,
	savedTemperature,
} from "./pipeline/records";
export { loadModel, saveModel } from "./pipeline/saved-model";
export { loadArtifact, saveArtifact } from "./support/artifacts";
