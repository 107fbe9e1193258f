// Exported models that are read back give the predictions of the model.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { zipSync } from "fflate";
import { cnn } from "../../src/cnn/cnn";
import { type ImagePrediction, predictImages } from "../../src/evaluation";
import { EXPORT_FORMATS, type ExportFormat, exportModel, loadExported, type WeightFormat } from "../../src/export";
import { filesIn, isImageFile } from "../../src/images/folders";
import { DType } from "../../src/tensorflow/backend";
import { encodeSavedModel, node, shapeProto } from "../../src/tensorflow/graphdef";
import { imageFolder, temporaryFolder } from "../helpers";
import { metadata, NETWORKS } from "./networks";

const paths = [...filesIn(imageFolder)].filter(isImageFile).sort();
const TOLERANCES = { float32: 1e-5, float16: 2e-3, uint8: 0.05 };
const variants = Object.entries(EXPORT_FORMATS)
	.filter(([format]) => format !== "onnx")
	.flatMap(([format, weights]) => weights.map((stored) => [format as ExportFormat, stored as WeightFormat] as const));

function assertSame(actual: ImagePrediction[], expected: ImagePrediction[], tolerance: number): void {
	const pathsOf = (rows: ImagePrediction[]) => rows.map(({ path }) => path);
	assert.deepEqual(pathsOf(actual), pathsOf(expected));
	for (const [i, { probabilities, path }] of actual.entries()) {
		for (const [k, p] of probabilities.entries()) {
			const difference = Math.abs(p - expected[i].probabilities[k]);
			assert.ok(difference <= tolerance, `${path}: ${probabilities} instead of ${expected[i].probabilities}`);
		}
	}
}

for (const [name, make] of Object.entries(NETWORKS)) {
	describe(`the network ${name}`, () => {
		const model = make();
		const ofModel = metadata(model.outputs[0].shape[1] as number);
		for (const [format, weights] of variants) {
			test(`from ${format} with ${weights} weights predicts the same, calibrated`, async () => {
				const path = await exportModel(model, temporaryFolder(), { format, weights, metadata: ofModel });
				const loaded = await loadExported(path);
				assert.deepEqual(loaded.metadata, ofModel);
				const expected = await predictImages(model, paths, ofModel);
				for (const batchSize of [3, 32])
					assertSame(await loaded.predictImages(paths, { batchSize }), expected, TOLERANCES[weights]);
				loaded.dispose();
			});
		}
	});
}

/** A network whose outputs are so sure that float32 probabilities have less than 10⁻⁷. */
function sureNetwork(units: number): tf.LayersModel {
	const model = cnn({ inputShape: [20, 24, 3], filters: [4], denseUnits: 4, classes: 2, seed: 1 });
	if (units === 2) return model;
	const layers = [
		tf.layers.rescaling({ scale: 1 / 255, inputShape: [20, 24, 3] }),
		tf.layers.globalAveragePooling2d({}),
		tf.layers.dense({ units: 1, activation: "sigmoid", kernelInitializer: "ones" }),
	];
	return tf.sequential({ layers });
}

for (const units of [1, 2]) {
	test(`a SavedModel with ${units} output${units > 1 ? "s" : ""} is calibrated as the model, whatever the shape of its input`, async () => {
		const model = sureNetwork(units);
		const calibration = { classNames: ["a", "b"], temperature: 5 };
		const path = await exportModel(model, temporaryFolder(), { format: "savedmodel", metadata: calibration });
		const rows = await (await loadExported(path)).predictImages(paths);
		assertSame(rows, await predictImages(model, paths, calibration), 1e-5);
	});
}

test("a model that is exported again to the same path is the new one", async () => {
	const folder = temporaryFolder();
	for (const format of ["savedmodel", "tfjs"] as const) {
		for (const seed of [1, 2]) {
			const model = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, rescaling: 1 / 255, seed });
			const calibration = { classNames: ["a", "b"], temperature: null };
			const loaded = await loadExported(await exportModel(model, folder, { format, metadata: calibration }));
			const expected = await predictImages(model, paths, { classNames: ["a", "b"] });
			assertSame(await loaded.predictImages(paths), expected, 1e-5);
		}
	}
});

test("progress is reported up to the last file", async () => {
	const path = await exportModel(NETWORKS.plain(), temporaryFolder(), { format: "tfjs", metadata: metadata(3) });
	const reports: [number, number][] = [];
	const many = Array.from({ length: 40 }, (_, i) => paths[i % paths.length]);
	await (await loadExported(path)).predictImages(many, {
		onProgress: ({ done, files }) => reports.push([done, files]),
	});
	assert.deepEqual(reports.at(-1), [40, 40]);
	assert.ok(reports.every(([done], i) => i === 0 || done >= reports[i - 1][0]));
});

describe("what cannot be read is refused in a line that says why", () => {
	const write = (format: ExportFormat, folder = temporaryFolder()) =>
		exportModel(NETWORKS.plain(), folder, { format, metadata: metadata(3) });
	const refused = (path: string, message: RegExp) =>
		assert.rejects(loadExported(path), ({ message: text }: Error) => message.test(text) && !text.includes("\n"));
	const changed = async (format: ExportFormat, name: string, change: (bytes: Buffer) => string | Uint8Array) => {
		const path = await write(format);
		const file = join(path, name);
		writeFileSync(file, change(readFileSync(file)));
		return path;
	};
	const AGAIN = /: export it again with npm run export$/;

	test("a path that is not there, is no export, or has several", async () => {
		const folder = temporaryFolder();
		await refused(join(folder, "nothing"), /^there is no \S+nothing$/);
		await refused(folder, / is no exported model: expected model\.keras, index\.html, or a folder tfjs or saved_model/);
		await write("keras", folder);
		assert.equal((await loadExported(folder)).metadata.temperature, 1.25);
		await write("web", folder);
		await refused(folder, /has several exported models: pick one of them \(model\.keras, index\.html\)$/);
		await refused(await write("onnx"), /is for ONNX Runtime, .* npm run export -- --format keras$/);
	});

	test("a page without its model, or with a part of it", async () => {
		const page = await changed("web", "", (bytes) => bytes.subarray(0, 5000));
		await refused(page, /index\.html cannot be used \(there is no model in the page\): export it again/);
		const other = await changed("web", "", (bytes) => bytes.toString().replace('"weightSpecs":[', '"weightSpecs":[1,'));
		await refused(other, /cannot be used \(it is damaged\)/);
	});

	test("a Keras archive that is none, or not of this project", async () => {
		await refused(await changed("keras", "", () => "no zip"), /model\.keras is not a file of Keras 3: no zip archive/);
		const files = { "config.json": Buffer.from("{}"), "model.weights.h5": Buffer.from("none") };
		const archive = await changed("keras", "", () => zipSync(files));
		await refused(archive, /cannot be used \(the weights are no HDF5 file\)/);
	});

	test("a TensorFlow.js folder with files that are missing, cut or of other classes", async () => {
		for (const name of ["metadata.json", "weights.bin"]) {
			const folder = await write("tfjs");
			rmSync(join(folder, name));
			await refused(folder, new RegExp(`tfjs cannot be used \\(its ${name} is missing\\): export it again`));
		}
		await refused(await changed("tfjs", "weights.bin", (bytes) => bytes.subarray(0, 300)), AGAIN);
		await refused(await changed("tfjs", "model.json", () => "{"), /\(it is no JSON\): export it again/);
		const described = (content: object) => changed("tfjs", "metadata.json", () => JSON.stringify(content));
		await refused(await described({ temperature: 1 }), /\(classNames is missing: expected a list\)/);
		await refused(
			await described({ classNames: ["a"], temperature: 1 }),
			/the model has 3 outputs, but there are 1 class/,
		);
		await refused(
			await described({ ...metadata(3), temperature: 0 }),
			/temperature is 0: expected null or a number above/,
		);
		await refused(await described({ ...metadata(3), threshold: 90 }), /threshold is 90: expected a number from 0 to 1/);
	});

	test("a SavedModel that is cut, without metadata, or of another program", async () => {
		await refused(await changed("savedmodel", "saved_model.pb", (bytes) => bytes.subarray(0, 2000)), AGAIN);
		const foreign = join(temporaryFolder(), "foreign");
		mkdirSync(foreign);
		const type = { dtype: { type: DType.float32 }, shape: { shape: shapeProto([-1, 4]) } };
		writeFileSync(join(foreign, "saved_model.pb"), encodeSavedModel([node("x", "Placeholder", [], type)]));
		await refused(foreign, /\(its assets\.extra\/metadata\.json is missing\)/);
		cpSync(join(await write("savedmodel"), "assets.extra"), join(foreign, "assets.extra"), { recursive: true });
		await refused(foreign, /\(it has no signature serving_default from images to probabilities\): export it again/);
	});
});
