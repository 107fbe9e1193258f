// The pipeline: cleaning, datasets, network, training and evaluation put together.
// Start with pipeline/pipeline.ts, which is the whole of it in one screen.
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
