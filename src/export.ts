// Models for other programs: Keras archives, SavedModels, ONNX, TensorFlow.js; and the way back.
// Start with export/export.ts.
export { type ExportOptions, exportModel } from "./export/export";
export { EXPORT_FORMATS, type ExportFormat, type WeightFormat } from "./export/formats";
export { loadKerasModel } from "./export/keras";
export { type ExportedModel, loadExported } from "./export/load";
export { type Description, descriptionOf, type ExportMetadata } from "./export/metadata";
