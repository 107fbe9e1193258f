// Models for other programs: Keras archives, SavedModels, ONNX, TensorFlow.js.
// Start with export/export.ts.
export { type ExportOptions, exportModel } from "./export/export";
export { EXPORT_FORMATS, type ExportFormat, type WeightFormat } from "./export/formats";
export { loadKerasModel } from "./export/keras";
export type { ExportMetadata } from "./export/metadata";
