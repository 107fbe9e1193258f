// The pipeline: cleaning, datasets, network, training and evaluation put together.
// Start with pipeline/pipeline.ts, which is the whole of it in one screen.
export { ensureClean, recordCleaning } from "./pipeline/cleaned";
export { DEFAULT_PARAMETERS, expectedValue, PARAMETERS, type TrainingParameters } from "./pipeline/parameters";
export { loadOrTrain, trainPipeline } from "./pipeline/pipeline";
export {
	type CleaningRecord,
	type EvaluationRecord,
	loadRecords,
	type ModelRecord,
	recordEvaluation,
} from "./pipeline/records";
export { loadModel, saveModel } from "./pipeline/saved-model";
export { loadArtifact, saveArtifact } from "./support/artifacts";
