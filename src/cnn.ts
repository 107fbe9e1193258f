// Networks: the pipeline's CNN, pretrained networks, transfer learning, and quantization.
// Start with cnn/cnn.ts, and for pretrained networks with cnn/pretrained.ts.
export { backboneOf, type Classifier, withClassifier } from "./cnn/backbone";
export { type CnnOptions, cnn, type LayerSummary, summary } from "./cnn/cnn";
export { type FeatureOptions, featureDataset } from "./cnn/features";
export { splitBefore, unfreeze } from "./cnn/fine-tuning";
export { foldBatchNorm } from "./cnn/fold-batch-norm";
export { IMAGENET_CLASSES } from "./cnn/imagenet-classes";
export {
	isPretrainedName,
	type PretrainedName,
	type PretrainedOptions,
	pretrained,
	weightsSource,
} from "./cnn/pretrained";
export { saveQuantized } from "./cnn/quantization";
export { withRandomWeights } from "./cnn/random-weights";
export { type Backbone, extractFeatures, type Features, loadBackbone, rotationTask, withNewHead } from "./cnn/transfer";
export { setPrecision } from "./tensorflow/precision";
