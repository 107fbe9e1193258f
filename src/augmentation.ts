// Data augmentation: random flips, rotations and zooms of training images.
// Start with augmentation/layers.ts (the layers), then augmentation/augment.ts (how datasets use them).
export {
	augment,
	augmented,
	dataAugmentation,
	type Factor,
	type FillMode,
	RandomFlip,
	RandomRotation,
	RandomZoom,
	type TransformOptions,
} from "./augmentation/layers";
