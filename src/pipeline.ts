// The pipeline: cleaning, datasets, network, training and evaluation put together.
// Start with pipeline/pipeline.ts, which is the whole of it in one screen.
export { type CleaningRecord, ensureClean, recordCleaning } from "./cleaning/clean";
export { loadArtifact, saveArtifact } from "./support/artifacts";
export {
	DEFAULT_PARAMETERS,
	loadModel,
	loadOrTrain,
	type ModelRecord,
	saveModel,
	type TrainingParameters,
	trainFrom,
} from "./training/train";
