// Datasets: folders of labelled images as batches of tensors, as Keras's image_dataset_from_directory.
// Start with datasets/dataset.ts, then datasets/batches.ts.
export {
	type Batch,
	countImages,
	IMAGE_EXTENSIONS,
	type ImageCount,
	type ImageDataset,
	type ImageDatasetOptions,
	imageDatasetFromDirectory,
	imageDatasetFromFiles,
	type LabelledFile,
	loadImage,
	SPLITS,
} from "./datasets/dataset";
export { fingerprint } from "./datasets/fingerprint";
export { computeClassWeight, type Fold, stratifiedKFold } from "./datasets/sampling";
