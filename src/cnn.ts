// Networks: the pipeline's CNN, pretrained backbones with a new head, and quantized copies.
// Start with cnn/cnn.ts.
export { type CnnOptions, cnn, type LayerSummary, summary } from "./cnn/cnn";
export { saveQuantized } from "./cnn/quantization";
export { type Backbone, extractFeatures, type Features, loadBackbone, rotationTask, withNewHead } from "./cnn/transfer";
