// Data augmentation: random flips, rotations and zooms of training images.
// Start with augmentation/layers.ts (the layers), then augmentation/augment.ts (their use on datasets).
export { augment, augmented, dataAugmentation } from "./augmentation/augment";
export { CORRUPTIONS, type Corruption, corrupt, corrupted } from "./augmentation/corruptions";
export { type Factor, RandomFlip, RandomRotation, RandomZoom, type TransformOptions } from "./augmentation/layers";
export type { FillMode } from "./tensorflow/image-operations";
