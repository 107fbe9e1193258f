// Metrics: scikit-learn's classification metrics, with its names and values.
// Each file is on its own; start with metrics/classification.ts.
export { type BootstrapOptions, bootstrap, pick } from "./metrics/bootstrap";
export {
	accuracyScore,
	type ConfusionMatrixOptions,
	classificationReport,
	classificationReportRows,
	cohenKappaScore,
	confusionMatrix,
	matthewsCorrcoef,
	precisionRecallFscoreSupport,
	type ReportOptions,
	type ReportRow,
	type ScoreOptions,
	type Scores,
} from "./metrics/classification";
export {
	auc,
	averagePrecisionScore,
	brierScoreLoss,
	type CalibrationCurve,
	calibrationCurve,
	expectedCalibrationError,
	logLoss,
	type PrecisionRecallCurve,
	type Probabilities,
	precisionRecallCurve,
	type RocAucOptions,
	type RocCurve,
	rocAucScore,
	rocCurve,
} from "./metrics/ranking";
export { fitTemperature, withTemperature } from "./metrics/temperature";
