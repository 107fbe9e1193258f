// `exportModel`: a model for programs other than this one.
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { writeFileAtomically } from "../support/files";
import { EXPORT_FILES, type ExportFormat, requireFormat, type WeightFormat } from "./formats";
import { toKeras } from "./keras";
import { layersModel, saveLayersModel } from "./layers-model";
import { type Description, descriptionOf, type ExportMetadata } from "./metadata";
import { toOnnx } from "./onnx";
import { toSavedModel } from "./saved-model";
import { toPage } from "./web";

export interface ExportOptions {
	/**
	 * Format of the files: `"keras"` a .keras archive of Keras 3, `"savedmodel"` TensorFlow's, with signatures for pixels and
	 * for encoded images, `"onnx"` for ONNX Runtime and others, `"tfjs"` a TensorFlow.js layers model for browsers, `"web"` a
	 * page that classifies images by itself.
	 */
	format: ExportFormat;
	/** What goes with the model. */
	metadata: ExportMetadata;
	/** How kernels are stored: `"float32"`; for ONNX, TensorFlow.js and pages also `"float16"` or `"uint8"`. Default `"float32"`. */
	weights?: WeightFormat;
}

/**
 * Exports a model from images to probabilities to files that other programs load. Predictions are those of the model;
 * it is exported as it predicts, without optimizer.
 *
 * @param folder where the files are written, created if missing: `model.keras`, `model.onnx`, `index.html`, or a folder
 *   `saved_model` or `tfjs`. Files of an earlier export there are replaced
 * @returns path of the file or folder
 * @throws when the format has no counterpart for a layer, or cannot store weights that way
 */
export async function exportModel(
	model: tf.LayersModel,
	folder: string,
	{ format, metadata, weights = "float32" }: ExportOptions,
): Promise<string> {
	requireFormat(format, weights);
	const path = join(folder, EXPORT_FILES[format]);
	await WRITERS[format](model, path, descriptionOf(model, metadata), weights);
	return path;
}

type Writer = (model: tf.LayersModel, path: string, description: Description, weights: WeightFormat) => Promise<void>;

const WRITERS: Record<ExportFormat, Writer> = {
	keras: async (model, path, description) => writeFileAtomically(path, await toKeras(model, description)),
	savedmodel: async (model, path, description) => {
		writeFileAtomically(join(path, "saved_model.pb"), toSavedModel(model));
		// Where TensorFlow Serving keeps what is not the graph's.
		writeFileAtomically(join(path, "assets.extra", "metadata.json"), JSON.stringify(description, null, 2));
	},
	onnx: async (model, path, description, weights) => {
		const metadata = Object.entries(description).map(([key, value]) => [
			key,
			typeof value === "string" ? value : JSON.stringify(value),
		]);
		writeFileAtomically(path, toOnnx(model, { weights, metadata: Object.fromEntries(metadata) }));
	},
	tfjs: async (model, path, description, weights) => {
		await saveLayersModel(model, path, weights);
		writeFileAtomically(join(path, "metadata.json"), JSON.stringify(description, null, 2));
	},
	web: async (model, path, description, weights) =>
		writeFileAtomically(path, toPage(await layersModel(model, weights), description)),
};
