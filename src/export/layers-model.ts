// TensorFlow.js layers models, with kernels as they are or smaller.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { quantizedArtifacts, saveQuantized } from "../cnn/quantization";
import type { WeightFormat } from "./formats";

const BITS = { float32: 32, float16: "float16", uint8: 8 } as const;

/** Writes `model.json` and `weights.bin` to a folder. */
export async function saveLayersModel(model: tf.LayersModel, folder: string, weights: WeightFormat): Promise<void> {
	const bits = BITS[weights];
	if (bits === 32) await model.save(`file://${folder}`);
	else await saveQuantized(model, folder, bits);
}

/** Returns what `saveLayersModel` writes. */
export const layersModel = (model: tf.LayersModel, weights: WeightFormat) => quantizedArtifacts(model, BITS[weights]);
