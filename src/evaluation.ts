// Evaluation: predictions, loss and accuracy of a trained model, and Grad-CAM explanations.
// Start with evaluation/evaluate.ts.
export { chanceWarning, majorityScore } from "./evaluation/chance";
export { type Drift, driftOf } from "./evaluation/drift";
export { evaluate, type Predictions, predict } from "./evaluation/evaluate";
export { type GradCamOptions, gradCam, overlay } from "./evaluation/gradcam";
export {
	type BytesPrediction,
	type BytesPredictor,
	type BytesPredictorOptions,
	bytesPredictor,
} from "./evaluation/predict-bytes";
export { type ImagePrediction, type PredictImagesOptions, predictImages } from "./evaluation/predict-images";
export {
	costsOf,
	type DecisionCosts,
	leastCostDecisions,
	pointForErrorRate,
	type RejectionPoint,
	rejectionCurve,
} from "./evaluation/rejection";
export { accuracyBySlice, type Slice } from "./evaluation/slices";
