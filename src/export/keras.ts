// Keras archives (.keras): written, and read back.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { loadKeras3, pathsOf } from "../cnn/keras3";
import { readRegularFile } from "../support/files";
import { readHdf5, writeHdf5 } from "./hdf5";
import { type KerasConfig, toKerasConfig } from "./keras-config";

/** The version of Keras whose files these are; any 3.x reads them. */
const KERAS_VERSION = "3.15.1";

/**
 * Converts a model to a Keras archive, as Keras 3's `model.save("model.keras")` writes it.
 *
 * @param model model of tf.layers with one input and one output, Sequential or functional
 * @param metadata is added to the archive's `metadata.json`
 * @returns the bytes of the archive
 * @throws when Keras has no counterpart for a layer
 */
export async function toKeras(model: tf.LayersModel, metadata: object = {}): Promise<Uint8Array> {
	const config = toKerasConfig(model);
	const date_saved = new Date().toISOString().slice(0, 19).replace("T", "@");
	const files = {
		"metadata.json": strToU8(JSON.stringify({ keras_version: KERAS_VERSION, date_saved, ...metadata })),
		"config.json": strToU8(JSON.stringify(config)),
		"model.weights.h5": await writeHdf5(weightsOf(model, config)),
	};
	// Not compressed, as Keras does: weights hardly shrink.
	return zipSync(files, { level: 0 });
}

/** The weights under the paths that Keras reads: layers are called by their class, and weights by their number. */
function weightsOf(model: tf.LayersModel, config: KerasConfig) {
	return [...pathsOf(config, "")].flatMap(([path, name]) => {
		const layer = model.layers.find((other) => other.name === name);
		return (layer?.weights ?? []).map((weight, i) => {
			const value = weight.read();
			return { path: `${path}/vars/${i}`, shape: value.shape, values: value.dataSync<"float32">().slice() };
		});
	});
}

/**
 * Loads a model from a Keras archive: Keras's `load_model`. It is not compiled.
 *
 * @param path path of a .keras file that Keras 3 wrote, with a Sequential or functional model of layers that tf.layers has too
 * @throws when it is no such file; or names the layer that tf.layers has not
 */
export const loadKerasModel = async (path: string): Promise<tf.LayersModel> => (await loadKerasArchive(path)).model;

/** `loadKerasModel` with the archive's `metadata.json`; throws as it does. */
export async function loadKerasArchive(path: string) {
	const files = unzipped(path, await readRegularFile(path));
	const [config, weights] = [files["config.json"], files["model.weights.h5"]];
	if (!config || !weights)
		throw new Error(`${path} is not a file of Keras 3: config.json and model.weights.h5 are expected in it`);
	const arrays = await readHdf5(weights);
	const metadata = JSON.parse(strFromU8(files["metadata.json"] ?? strToU8("{}")));
	const bytes = Buffer.concat(arrays.map(({ values }) => Buffer.from(values.buffer)));
	const model = await loadKeras3({
		modelTopology: { keras_version: metadata.keras_version, model_config: JSON.parse(strFromU8(config)) },
		weightSpecs: arrays.map(({ path, shape }) => ({ name: path, shape, dtype: "float32" })),
		weightData: new Uint8Array(bytes).buffer,
	});
	return { model, metadata: metadata as unknown };
}

function unzipped(path: string, archive: Uint8Array): Record<string, Uint8Array> {
	try {
		return unzipSync(archive);
	} catch (error) {
		throw new Error(`${path} is not a file of Keras 3: no zip archive (${(error as Error).message})`);
	}
}
