// `loadExported`: a model that `exportModel` wrote, to predict with.
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { ModelArtifacts } from "../cnn/keras3";
import { networkOfProgram } from "../evaluation/network";
import {
	type ImagePrediction,
	type PredictImagesOptions,
	predictFiles,
	predictImages,
} from "../evaluation/predict-images";
import { readRegularFile } from "../support/files";
import { requireOutputs } from "../training/classes";
import { findExport, type ReadableFormat } from "./formats";
import { loadKerasArchive } from "./keras";
import { type ExportMetadata, readMetadata } from "./metadata";
import { loadSavedModel, type SavedModel } from "./saved-model";

/** An exported model. */
export interface ExportedModel {
	/** What goes with the model: its classes, temperature and threshold. */
	metadata: ExportMetadata;
	/** Classifies image files as `predictImages` does, with the classes and at the temperature of the export. */
	predictImages(
		paths: string[],
		options?: Omit<PredictImagesOptions, "classNames" | "temperature">,
	): Promise<ImagePrediction[]>;
	/** Releases the model. */
	dispose(): void;
}

/**
 * Loads a model that `exportModel` wrote, of any format but ONNX. Predictions are those of the model.
 *
 * @param path path of `model.keras`, `index.html`, or of a folder `tfjs` or `saved_model`
 * @throws when it is no such file, is damaged, or was not exported here
 */
export async function loadExported(path: string): Promise<ExportedModel> {
	const found = findExport(path);
	try {
		const { metadata: written, model } = await READERS[found.format](found.path);
		const metadata = readMetadata(written);
		requireOutputs(model instanceof tf.LayersModel ? model.outputs[0].shape[1] : model.classes, metadata.classNames);
		return { metadata, predictImages: predictor(model, metadata), dispose: () => void model.dispose() };
	} catch (error) {
		const reason = reasonOf(error as Error);
		const problem = reason.startsWith(found.path) ? reason : `${found.path} cannot be used (${reason})`;
		throw new Error(`${problem}: export it again with npm run export`, { cause: error });
	}
}

/** An error's message in a sentence: TensorFlow's have many, and a parser's quotes the file. */
function reasonOf(error: Error): string {
	if (error instanceof SyntaxError) return "it is no JSON";
	if (error instanceof TypeError || error instanceof RangeError) return "it is damaged";
	return error.message.split(/\n|\. (?=[A-Z])/, 1)[0];
}

function predictor(model: Model, { classNames, temperature }: ExportMetadata): ExportedModel["predictImages"] {
	const calibration = { classNames, temperature: temperature ?? 1 };
	if (model instanceof tf.LayersModel)
		return (paths, options) => predictImages(model, paths, { ...options, ...calibration });
	const network = networkOfProgram(model, calibration.temperature);
	return (paths, options) => predictFiles(network, paths, { ...options, classNames });
}

type Model = tf.LayersModel | SavedModel;
type ModelJson = Parameters<typeof tf.io.getModelArtifactsForJSON>[0];
type Reader = (path: string) => Promise<{ metadata: unknown; model: Model }>;

const READERS: Record<ReadableFormat, Reader> = {
	keras: loadKerasArchive,
	savedmodel: async (path) => {
		const metadata = await readJson(path, "assets.extra/metadata.json");
		return { metadata, model: await loadSavedModel(path) };
	},
	tfjs: async (path) => {
		const metadata = await readJson(path, "metadata.json");
		const { modelTopology, weightsManifest } = (await readJson(path, "model.json")) as ModelJson;
		const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
		return { metadata, model: await layersModel({ modelTopology, weightSpecs }, await read(path, "weights.bin")) };
	},
	web: async (path) => {
		const page = (await readRegularFile(path)).toString();
		const [, json] = /<script type="application\/json" id="model">([^<]*)<\/script>/.exec(page) ?? [];
		if (!json) throw new Error("there is no model in the page");
		const { metadata, weightData, ...topology } = JSON.parse(json);
		return { metadata, model: await layersModel(topology, Buffer.from(weightData, "base64")) };
	},
};

async function read(folder: string, name: string): Promise<Buffer> {
	try {
		return await readRegularFile(join(folder, name));
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		throw new Error(code === "ENOENT" ? `its ${name} is missing` : message);
	}
}

const readJson = async (folder: string, name: string) => JSON.parse((await read(folder, name)).toString());

const layersModel = (topology: Omit<ModelArtifacts, "weightData">, weights: Buffer): Promise<tf.LayersModel> =>
	tf.loadLayersModel({ load: async () => ({ ...topology, weightData: new Uint8Array(weights).buffer }) });
