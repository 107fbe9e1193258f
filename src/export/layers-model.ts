// TensorFlow.js layers models, with kernels as they are or smaller.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { saveQuantized } from "../cnn/quantization";
import type { WeightFormat } from "./formats";

/** Writes `model.json` and `weights.bin` to a folder. */
export async function saveLayersModel(model: tf.LayersModel, folder: string, weights: WeightFormat): Promise<void> {
	if (weights === "float32") await model.save(`file://${folder}`);
	else await saveQuantized(model, folder, weights === "uint8" ? 8 : weights);
}

/** Returns what `saveLayersModel` writes. */
export async function layersModel(model: tf.LayersModel, weights: WeightFormat) {
	const folder = mkdtempSync(join(tmpdir(), "layers-model-"));
	try {
		await saveLayersModel(model, folder, weights);
		const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
		const weightSpecs = (weightsManifest as { weights: object[] }[]).flatMap((group) => group.weights);
		return { modelTopology, weightSpecs, weightData: readFileSync(join(folder, "weights.bin")) };
	} finally {
		rmSync(folder, { recursive: true });
	}
}
