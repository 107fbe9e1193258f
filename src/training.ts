// Training: the training loop and its callbacks.
// Start with training/train.ts.
export {
	cosineDecay,
	exponentialDecay,
	findLearningRate,
	type LearningRateCurve,
	LearningRateScheduler,
	learningRateOf,
	ReduceLROnPlateau,
	type ReduceLROnPlateauOptions,
	type Schedule,
	setLearningRate,
} from "./training/schedules";
export {
	compile,
	EarlyStopping,
	type EarlyStoppingOptions,
	type History,
	type Progress,
	type TrainOptions,
	train,
} from "./training/train";
