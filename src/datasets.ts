// Datasets: folders of labelled images as batches of tensors, following Keras's image_dataset_from_directory.
// Start with datasets/dataset.ts, then datasets/batches.ts.
export { imageDatasetFromDirectory, imageDatasetFromFiles } from "./datasets/dataset";
export { countImages, type ImageCount } from "./datasets/directory";
export { fingerprint } from "./datasets/fingerprint";
export { type Decision, JOURNAL, type Journal, openJournal } from "./datasets/journal";
export {
	computeClassWeight,
	type Fold,
	positiveLabel,
	sourceGroups,
	stratifiedGroupKFold,
	stratifiedKFold,
} from "./datasets/sampling";
export { stratifiedSample } from "./datasets/stratified-sample";
export type { Batch, ImageDataset, ImageDatasetOptions, LabelledFile } from "./datasets/types";
export { loadImage } from "./images/decode";
export { SPLITS, unlabelledImages } from "./images/folders";
export { IMAGE_EXTENSIONS } from "./images/formats";
