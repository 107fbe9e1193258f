// Review: what a person should look at in a data set, and what corrections are worth.
// Start with review/suspects.ts, then review/label-issues.ts and review/out-of-fold.ts.
export {
	type CnnClassifierOptions,
	cnnClassifier,
	type FeatureClassifierOptions,
	featureClassifier,
} from "./review/classifiers";
export { type FeatureMatrix, type FeaturesOptions, featurePart, featuresOf } from "./review/features";
export {
	confidentJoint,
	findLabelIssues,
	type LabelIssueFilter,
	type LabelIssueOptions,
	type LabelQualityMethod,
	labelQualityScores,
} from "./review/label-issues";
export { type LabelNextMethod, labelNext, type Unlabelled } from "./review/label-next";
export {
	type LearningCurvesOptions,
	type LearningMethod,
	type LearningPoint,
	learningCurves,
} from "./review/learning-curves";
export { type Neighbours, nearestNeighbours, outlierScores } from "./review/neighbours";
export { type Fit, type OutOfFoldOptions, outOfFoldProbabilities } from "./review/out-of-fold";
export type { SuspectKind } from "./review/proposals";
export { type LabelProposals, type LabelProposalsOptions, proposeLabels } from "./review/pseudo-labels";
export {
	detectStrangers,
	fitStrangers,
	maximumSoftmaxScores,
	type StrangerDetector,
	type StrangerOptions,
	type StrangerScore,
} from "./review/strangers";
export { findSuspects, type Suspect, type SuspectOptions, type SuspectSources } from "./review/suspects";
export { type Worth, type WorthOptions, worthOf } from "./review/worth";
