import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { loadBackbone } from "../../src/cnn/transfer";
import { fixture, temporaryFolder } from "../helpers";
import { assertClose, type Recorded, toTensor } from "../tensors";

/** A folder that the TensorFlow.js converter wrote, files in base64. */
type Converted = { model: { modelTopology: { model_config: LayerConfig } }; files: Record<string, string> };
type LayerConfig = { class_name: string; config: Record<string, unknown> };

/** Two models of Keras 3 with its predictions, each saved as .h5 and as .keras. */
const recorded =
	fixture<Record<string, { images: Recorded; predictions: Recorded; h5: Converted; keras: Converted }>>("keras3");

function write({ model, files }: Converted): string {
	const folder = temporaryFolder();
	writeFileSync(join(folder, "model.json"), JSON.stringify(model));
	for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), Buffer.from(data, "base64"));
	return folder;
}

describe("a Keras 3 model", () => {
	// One layer of the sequential model computes in bfloat16 in Keras.
	const tolerances: Record<string, number> = { functional: 1e-5, sequential: 2e-3 };
	for (const [name, { images, predictions, ...saved }] of Object.entries(recorded)) {
		for (const [kind, converted] of Object.entries(saved)) {
			test(`${name}, saved as .${kind}, predicts what Keras predicts`, async () => {
				const tolerance = tolerances[name];
				const model = (await loadBackbone(write(converted))) as tf.LayersModel;
				assertClose(model.predict(toTensor(images)) as tf.Tensor, predictions, tolerance, name);
			});
		}
	}

	/** Loads the sequential model after a change to its convolution. */
	async function changed(change: (convolution: LayerConfig, copy: Converted) => void) {
		const copy = structuredClone(recorded.sequential.h5);
		const { layers } = copy.model.modelTopology.model_config.config as { layers: LayerConfig[] };
		change(layers.find(({ class_name }) => class_name === "Conv2D") as LayerConfig, copy);
		return loadBackbone(write(copy));
	}

	const refused: [string, RegExp, Parameters<typeof changed>[0]][] = [
		[
			"a layer that tf.layers has not",
			/conv2d \(Normalization\) has no counterpart in/,
			(layer) => Object.assign(layer, { class_name: "Normalization" }),
		],
		[
			"an initializer's name for a layer",
			/conv2d \(Identity\) has no counterpart in/,
			(layer) => Object.assign(layer, { class_name: "Identity" }),
		],
		[
			"an option that tf.layers ignores",
			/conv2d \(Conv2D\) has no groups 2 in/,
			({ config }) => Object.assign(config, { groups: 2 }),
		],
		[
			"an activation with another meaning",
			/conv2d \(Conv2D\) has no activation hard_sigmoid in/,
			({ config }) => Object.assign(config, { activation: "hard_sigmoid" }),
		],
		[
			"a layer as activation",
			/conv2d \(Conv2D\) has no activation ReLU in/,
			({ config }) => Object.assign(config, { activation: { class_name: "ReLU", config: {} } }),
		],
	];
	for (const [what, message, change] of refused) {
		test(`${what} is named, with the way that works`, async () => {
			await assert.rejects(changed(change), (error: Error) => {
				assert.match(error.message, message);
				assert.match(error.message, /^cannot load the backbone .*model\.json: .*--output_format=tfjs_graph_model$/);
				return true;
			});
		});
	}

	test("is known by its words where the version is missing, as in Keras's to_json", async () => {
		const copy = structuredClone(recorded.sequential.h5);
		Object.assign(copy.model, { modelTopology: copy.model.modelTopology.model_config });
		const model = (await loadBackbone(write(copy))) as tf.LayersModel;
		assert.deepEqual(model.outputs[0].shape, [null, 1]);
	});

	test("weights of another layer are refused", async () => {
		const rename = (_: LayerConfig, copy: Converted) =>
			Object.assign(copy, {
				model: JSON.parse(JSON.stringify(copy.model).replaceAll("conv2d/kernel", "other/kernel")),
			});
		await assert.rejects(changed(rename), /no target variable: sequential\/other\/kernel/);
	});
});
