// Backbones of the pipeline: by name, or from a folder or address; with a new last layer.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { applied, walkLayers } from "../tensorflow/layer-graph";
import { withSeededMasks } from "../tensorflow/random";
import { isPretrainedName, pretrained } from "./pretrained";
import { loadBackbone, scalesItsInput } from "./transfer";

/**
 * Returns a frozen network from images to features, as the pipeline's hyperparameter `backbone` names it.
 *
 * @param from a name of `pretrained`, or path or http(s) address of a layers model. Its feature maps are averaged over their
 *   positions. If it has no layer that scales its input, one that maps 0–255 to −1–1 comes first, as for MobileNet
 * @param imageSize height and width of the images in pixels
 * @returns model from float32 `[batch, imageSize, imageSize, 3]` in 0–255 to float32 `[batch, features]`
 * @throws when it cannot be loaded, is a graph model or takes images of another size
 */
export async function backboneOf(from: string, imageSize: number): Promise<tf.LayersModel> {
	if (isPretrainedName(from)) return pretrained(from, { imageSize });
	const model = await loadBackbone(from);
	if (model instanceof tf.GraphModel) {
		throw new Error(
			`${from} is a graph model, which no new last layer can be saved with: expected a layers model (tensorflowjs_converter --output_format=tfjs_layers_model)`,
		);
	}
	return toFeatures(model, from, imageSize);
}

function toFeatures(model: tf.LayersModel, from: string, imageSize: number): tf.LayersModel {
	const [, height, width, channels] = model.inputs[0].shape;
	if ((height ?? imageSize) !== imageSize || (width ?? imageSize) !== imageSize || channels !== 3) {
		throw new Error(
			`${from} takes images of ${height}×${width}×${channels}, not ${imageSize}×${imageSize}×3: set imageSize to ${height}`,
		);
	}
	const isScaled = scalesItsInput(model);
	const range = isScaled ? "0–255 (it scales them itself)" : "−1–1 (a layer in front scales them)";
	console.log(`The backbone ${from} takes images of ${imageSize}×${imageSize} with pixels in ${range}.`);
	const inputs = tf.input({ shape: [imageSize, imageSize, 3] });
	const rescaling = tf.layers.rescaling({ scale: 2 / 255, offset: -1, name: "rescaling" });
	const scaled = isScaled ? inputs : (rescaling.apply(inputs) as tf.SymbolicTensor);
	const [output] = walkLayers(model, [scaled], applied);
	const pool = { 4: tf.layers.globalAveragePooling2d({ name: "avg_pool" }), 2: null }[output.shape.length as 2 | 4];
	if (pool === undefined)
		throw new Error(`${from} gives [${output.shape.join(", ")}]: expected feature maps or features`);
	for (const layer of model.layers) layer.trainable = false;
	return tf.model({ inputs, outputs: pool ? (pool.apply(output) as tf.SymbolicTensor) : output, name: model.name });
}

/** A backbone with a new last layer. */
export interface Classifier {
	/** The whole network: images in 0–255 to probabilities. */
	model: tf.LayersModel;
	/** Its last layer and the dropout before it, which `model` shares: features to probabilities. */
	head: tf.LayersModel;
}

/**
 * Adds a new last layer to a backbone: dropout and a softmax.
 *
 * @param classes number of classes, the width of the softmax
 * @param options `dropout`: fraction of the features dropped at each training step, default 0.2 as in
 *   `keras.applications.EfficientNetB0`; `seed`: random seed of the new layer, default: a different one each time
 */
export function withClassifier(
	backbone: tf.LayersModel,
	classes: number,
	{ dropout = 0.2, seed }: { dropout?: number; seed?: number } = {},
): Classifier {
	const drop = withSeededMasks(tf.layers.dropout({ rate: dropout, seed, name: "top_dropout" }));
	const kernelInitializer = tf.initializers.glorotUniform({ seed });
	const dense = tf.layers.dense({ units: classes, activation: "softmax", kernelInitializer, name: "head" });
	const modelFrom = (inputs: tf.SymbolicTensor[], features: tf.SymbolicTensor) =>
		tf.model({ inputs, outputs: dense.apply(drop.apply(features)) as tf.SymbolicTensor });
	const features = tf.input({ batchShape: backbone.outputs[0].shape });
	return { model: modelFrom(backbone.inputs, backbone.outputs[0]), head: modelFrom([features], features) };
}
