// Metrics: scikit-learn's classification metrics, with its names and values.
// The files are independent of each other; start with metrics/classification.ts.
export { type BootstrapOptions, type BootstrapResult, bootstrap, pick } from "./metrics/bootstrap";
export {
	brierScoreLoss,
	type CalibrationCurve,
	calibrationCurve,
	expectedCalibrationError,
	logLoss,
} from "./metrics/calibration";
export {
	classificationReport,
	classificationReportRows,
	precisionRecallFscoreSupport,
	type ReportOptions,
	type ReportRow,
	type ScoreOptions,
	type Scores,
} from "./metrics/classification";
export {
	type Conformal,
	type ConformalOptions,
	type ConformityScore,
	conformalQuantile,
	fitConformal,
	predictionSets,
} from "./metrics/conformal";
export {
	accuracyScore,
	type ConfusionMatrixOptions,
	cohenKappaScore,
	confusionMatrix,
	matthewsCorrcoef,
} from "./metrics/confusion";
export { sparseCategoricalCrossentropy } from "./metrics/cross-entropy";
export type { Logits, Probabilities } from "./metrics/inputs";
export { type Interval, meanConfint, meanDifferenceConfint } from "./metrics/mean";
export { proportionConfint, proportionDifferenceConfint } from "./metrics/proportion";
export {
	auc,
	averagePrecisionScore,
	type PrecisionRecallCurve,
	precisionRecallCurve,
	type RocAucOptions,
	type RocCurve,
	rocAucScore,
	rocCurve,
} from "./metrics/ranking";
export { spearmanr } from "./metrics/spearman";
export { fitTemperature, withTemperature } from "./metrics/temperature";
export { ksTwoSample, type TwoSampleResult } from "./metrics/two-sample";
