// Networks: the pipeline's CNN, transfer learning from pretrained backbones, and quantization.
// Start with cnn/cnn.ts.
export { type CnnOptions, cnn, type LayerSummary, summary } from "./cnn/cnn";
export { saveQuantized } from "./cnn/quantization";
export { type Backbone, extractFeatures, type Features, loadBackbone, rotationTask, withNewHead } from "./cnn/transfer";
