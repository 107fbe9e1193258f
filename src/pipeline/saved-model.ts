// Saves and loads trained models.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { compile } from "../training/compile";
import { ARTIFACTS, type ModelRecord } from "./records";

/** Saves a model as `<artifacts>/model/` (tfjs layers format) and its record as `<artifacts>/training.json`. */
export async function saveModel(model: tf.LayersModel, artifacts: string, record: ModelRecord): Promise<void> {
	mkdirSync(join(artifacts, "model"), { recursive: true });
	// An interrupted save must not leave a new model with an old record.
	rmSync(join(artifacts, `${ARTIFACTS.training}.json`), { force: true });
	await model.save(`file://${resolve(artifacts, "model")}`);
	saveArtifact(artifacts, ARTIFACTS.training, { ...record, dataset: resolve(record.dataset) });
}

/**
 * Loads the model that `saveModel` saved, compiled.
 *
 * @returns the model and its record, or null when none is saved
 */
export async function loadModel(artifacts: string): Promise<{ model: tf.LayersModel; record: ModelRecord } | null> {
	const record = loadArtifact<ModelRecord>(artifacts, ARTIFACTS.training);
	if (!record) return null;
	const model = await tf.loadLayersModel(`file://${resolve(artifacts, "model", "model.json")}`);
	compile(model, record.parameters.learningRate);
	return { model, record };
}
