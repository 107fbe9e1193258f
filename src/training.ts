// Training: the training loop and its callbacks.
// Start with training/train.ts.
export { learningRateOf, setLearningRate } from "./tensorflow/layers-model";
export { compile } from "./training/compile";
export { type Diagnosis, diagnose, GAP, type TrainingState } from "./training/diagnose";
export { EarlyStopping, type EarlyStoppingOptions } from "./training/early-stopping";
export { EvaluateAfterEpoch } from "./training/evaluate-after-epoch";
export type { Curves, History, Progress } from "./training/history";
export { findLearningRate, type LearningRateCurve } from "./training/learning-rate-finder";
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from "./training/reduce-lr-on-plateau";
export { cosineDecay, exponentialDecay, LearningRateScheduler, type Schedule } from "./training/schedules";
export { type TrainOptions, train } from "./training/train";
