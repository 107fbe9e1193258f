// Exported models give the predictions of the model, in the programs that they are for.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { exportModel, loadKerasModel } from "../../src/export";
import { loadImage } from "../../src/images/decode";
import { fixture, root, temporaryFolder } from "../helpers";
import { assertClose, type Recorded, toTensor } from "../tensors";
import { sha256OfExport } from "./content";
import { images, metadata, NETWORKS } from "./networks";

/** What Keras, TensorFlow and ONNX Runtime predicted from the files, and the hashes of these. */
const { "written by Keras": ofKeras, ...recorded } = fixture<Fixture>("exports");
type Fixture = Record<string, Record<string, { predictions: Recorded; sha256: string }>> & {
	"written by Keras": { archive: string; images: Recorded; predictions: Recorded };
};

const batch = images(50);

for (const [name, make] of Object.entries(NETWORKS)) {
	describe(`the network ${name}`, () => {
		const model = make();
		const classes = model.outputs[0].shape[1] as number;
		const expected = model.predict(batch) as tf.Tensor;
		const write = (format: "keras" | "savedmodel" | "onnx" | "tfjs", weights?: "float16" | "uint8") =>
			exportModel(model, temporaryFolder(), { format, weights, metadata: metadata(classes) });

		test("as a Keras archive is the file that Keras predicts the same from, and is read back", async () => {
			const file = await write("keras");
			assert.equal(await sha256OfExport(file), recorded[name].keras.sha256);
			assertClose(expected, recorded[name].keras.predictions, 1e-5, "Keras");
			const loaded = await loadKerasModel(file);
			assert.equal(loaded instanceof tf.Sequential, model instanceof tf.Sequential);
			assertClose(loaded.predict(batch) as tf.Tensor, recorded[name].keras.predictions, 1e-5, "read back");
		});

		test("as a SavedModel predicts the same in TensorFlow, from pixels and from encoded images", async () => {
			const folder = await write("savedmodel");
			assert.equal(await sha256OfExport(folder), recorded[name].savedmodel.sha256);
			assertClose(expected, recorded[name].savedmodel.predictions, 1e-5, "Python's TensorFlow");
			const loaded = await tf.node.loadSavedModel(folder, ["serve"], "serving_default");
			const { probabilities } = loaded.predict({ images: batch }) as tf.NamedTensorMap;
			assertClose(probabilities, recorded[name].savedmodel.predictions, 1e-5, "TensorFlow");
			// Of any number of images.
			const one = loaded.predict({ images: batch.slice(0, 1) }) as tf.NamedTensorMap;
			const first = (await probabilities.slice(0, 1).data()).entries();
			for (const [i, value] of first) assert.ok(Math.abs(one.probabilities.dataSync()[i] - value) < 1e-5);
			loaded.dispose();

			const files = ["cats/plain.jpg", "dogs/alpha.png", "dogs/bitmap.bmp"].map((file) =>
				join(root, "test", "fixtures", "images", file),
			);
			const pixels = await Promise.all(files.map((file) => loadImage(file, { imageSize: [32, 32] })));
			const encoded = tf.tensor1d(files.map((file) => readFileSync(file)) as unknown as string[], "string");
			const reader = await tf.node.loadSavedModel(folder, ["serve"], "serving_bytes");
			const ofFiles = (reader.predict({ encoded }) as tf.NamedTensorMap).probabilities;
			const ofPixels = (model.predict(tf.stack(pixels)) as tf.Tensor).dataSync();
			for (const [i, value] of ofFiles.dataSync().entries()) assert.ok(Math.abs(value - ofPixels[i]) < 1e-5);
			reader.dispose();
		});

		test("as ONNX is the file that ONNX's checker passes and ONNX Runtime predicts the same from", async () => {
			const file = await write("onnx");
			assert.equal(await sha256OfExport(file), recorded[name].onnx.sha256);
			assertClose(expected, recorded[name].onnx.predictions, 1e-5, "ONNX Runtime");
		});

		for (const [weights, tolerance, share] of [
			["float16", 2e-3, 0.6],
			["uint8", 0.05, 0.4],
		] as const) {
			test(`with ${weights} weights is smaller, and predicts nearly the same`, async () => {
				const onnx = await write("onnx", weights);
				assert.equal(await sha256OfExport(onnx), recorded[name][`onnx-${weights}`].sha256);
				assertClose(expected, recorded[name][`onnx-${weights}`].predictions, tolerance, "ONNX Runtime");
				const folder = await write("tfjs", weights);
				const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
				assertClose(loaded.predict(batch) as tf.Tensor, recorded[name].onnx.predictions, tolerance, "TensorFlow.js");
				const [whole, small] = [await write("tfjs"), folder].map(
					(path) => readFileSync(join(path, "weights.bin")).length,
				);
				assert.ok(small < share * whole, `${small} of ${whole} bytes`);
			});
		}

		test("carries its classes, temperature and input", async () => {
			const folder = await write("tfjs");
			const description = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
			assert.deepEqual(description.classNames, metadata(classes).classNames);
			assert.deepEqual(
				[description.temperature, description.input.height, description.input.range],
				[1.25, 32, [0, 255]],
			);
			assert.ok(readFileSync(await write("onnx")).includes("béton"));
		});
	});
}

test("a layer that a format has not is named, with the format that has it", async () => {
	const model = tf.sequential({
		layers: [tf.layers.upSampling2d({ inputShape: [4, 4, 3], name: "larger" }), tf.layers.flatten()],
	});
	for (const format of ["keras", "onnx"] as const) {
		await assert.rejects(
			exportModel(model, temporaryFolder(), { format, metadata: metadata(2) }),
			/^Error: the layer larger \(UpSampling2D\) has no counterpart in (Keras|ONNX): export it with --format tfjs/,
		);
	}
});

test("an unknown format, and weights that a format cannot store, are refused with those that there are", async () => {
	const model = NETWORKS.plain();
	const refused = (options: object, message: RegExp) =>
		assert.rejects(exportModel(model, temporaryFolder(), { metadata: metadata(3), ...options } as never), message);
	await refused({ format: "pickle" }, /there is no format pickle: expected keras, savedmodel, onnx, tfjs/);
	await refused({ format: "keras", weights: "uint8" }, /weights of keras cannot be uint8: expected float32/);
});

test("an archive that Keras wrote predicts what Keras predicts", async () => {
	const file = join(temporaryFolder(), "model.keras");
	writeFileSync(file, Buffer.from(ofKeras.archive, "base64"));
	const loaded = await loadKerasModel(file);
	assertClose(loaded.predict(toTensor(ofKeras.images)) as tf.Tensor, ofKeras.predictions, 1e-5, "Keras");
});

test("what is no Keras archive is refused in a sentence", async () => {
	const file = join(temporaryFolder(), "model.keras");
	writeFileSync(file, "not a zip");
	await assert.rejects(loadKerasModel(file), /model\.keras is not a file of Keras 3: no zip archive/);
});
