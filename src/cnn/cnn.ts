// The network and a table of its layers.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withSeededMasks } from "../tensorflow/random";

export interface CnnOptions {
	/** `[height, width, channels]` of the images. Default `[64, 64, 3]`. */
	inputShape?: [number, number, number];
	/** The number of classes, 2 or more: the width of the softmax. Default 2. */
	classes?: number;
	/** The filters of the convolutions, one block of convolution and pooling for each. Default `[32, 64, 128, 256]`. */
	filters?: number[];
	/** The width of the hidden dense layer. Default 256. */
	denseUnits?: number;
	/** The share of the hidden units that training switches off at each step, from 0 up to 1. Default 0.4. */
	dropout?: number;
	/** Whether each convolution is followed by batch normalization (before its ReLU). Default false. */
	batchNormalization?: boolean;
	/**
	 * Whether the convolutions but the first look at each channel by itself and then mix the channels (Chollet, CVPR
	 * 2017), which takes about a ninth of the parameters. Default false.
	 */
	separable?: boolean;
	/** What the squares of the weights, but for biases, add to the loss, times this. Default 0. */
	l2?: number;
	/** Whether the last feature maps are averaged, in place of flattened with all their positions. Default false. */
	globalAveragePooling?: boolean;
	/** Makes the first weights and the dropout repeatable. Default: others each time. */
	seed?: number;
}

/**
 * Builds the pipeline's CNN: four blocks of 3×3 convolution with ReLU and 2×2 max pooling, a dense layer with
 * dropout and a softmax.
 *
 * Input: float32 `[batch, height, width, channels]` in 0–255, as `imageDatasetFromDirectory` gives it. Output:
 * float32 `[batch, classes]`, the probability of each class. Weights start as in Keras: Glorot uniform, biases zero.
 *
 * @throws when the images are too small for that many blocks, or an option is out of its range
 */
export function cnn(options: CnnOptions = {}): tf.Sequential {
	const { inputShape = [64, 64, 3], classes = 2, filters = [32, 64, 128, 256], denseUnits = 256 } = options;
	const {
		dropout = 0.4,
		batchNormalization = false,
		globalAveragePooling = false,
		separable = false,
		l2 = 0,
	} = options;
	checkOptions(inputShape, classes, filters, dropout, l2);

	let seed = options.seed ?? Math.floor(Math.random() * 1e9);
	const kernelInitializer = () => tf.initializers.glorotUniform({ seed: seed++ });
	const regularizer = l2 > 0 ? { kernelRegularizer: tf.regularizers.l2({ l2 }) } : {};
	const model = tf.sequential();
	filters.forEach((count, i) => {
		const block = i + 1;
		const input = i === 0 ? { inputShape } : {};
		const convolution = {
			...input,
			filters: count,
			kernelSize: 3,
			name: `${separable && i > 0 ? "separable_" : ""}conv2d_${block}`,
			...(batchNormalization ? { useBias: false } : { activation: "relu" as const }),
		};
		model.add(
			separable && i > 0
				? tf.layers.separableConv2d({
						...convolution,
						depthwiseInitializer: kernelInitializer(),
						pointwiseInitializer: kernelInitializer(),
						...(l2 > 0 && { pointwiseRegularizer: regularizer.kernelRegularizer }),
					})
				: tf.layers.conv2d({ ...convolution, ...regularizer, kernelInitializer: kernelInitializer() }),
		);
		if (batchNormalization) {
			model.add(tf.layers.batchNormalization({ name: `batch_normalization_${block}` }));
			model.add(tf.layers.activation({ activation: "relu", name: `relu_${block}` }));
		}
		model.add(tf.layers.maxPooling2d({ poolSize: 2, name: `max_pooling2d_${block}` }));
	});
	const dense = (units: number, activation: "relu" | "softmax", name: string) =>
		tf.layers.dense({ units, activation, name, ...regularizer, kernelInitializer: kernelInitializer() });
	model.add(
		globalAveragePooling
			? tf.layers.globalAveragePooling2d({ name: "global_average_pooling2d" })
			: tf.layers.flatten({ name: "flatten" }),
	);
	model.add(dense(denseUnits, "relu", "dense_1"));
	model.add(withSeededMasks(tf.layers.dropout({ rate: dropout, seed: seed++, name: "dropout" })));
	model.add(dense(classes, "softmax", "dense_2"));
	return model;
}

/** A row of `summary`. */
export type LayerSummary = { layer: string; type: string; outputShape: string; parameters: number; percent: string };

/**
 * Lists a model's layers, as `model.summary()` prints them: name, kind, output shape, parameters.
 *
 * @returns one row a layer; `percent` is its part of all parameters
 */
export function summary(model: tf.LayersModel): LayerSummary[] {
	const total = model.countParams();
	return model.layers.map((layer) => {
		const shape = (Array.isArray(layer.outputShape[0]) ? layer.outputShape[0] : layer.outputShape) as tf.Shape;
		return {
			layer: layer.name,
			type: layer.getClassName(),
			outputShape: `(${shape.map((size) => size ?? "None").join(", ")})`,
			parameters: layer.countParams(),
			percent: `${((100 * layer.countParams()) / total).toFixed(1)} %`,
		};
	});
}

function checkOptions(
	[height, width]: number[],
	classes: number,
	filters: number[],
	dropout: number,
	l2: number,
): void {
	// Each block takes two pixels off (3×3, no padding) and halves what is left.
	const left = filters.reduce((size) => Math.floor((size - 2) / 2), Math.min(height, width));
	if (left < 1) {
		const least = filters.reduce((size) => size * 2 + 2, 1);
		throw new Error(`images of ${height}×${width} are too small for ${filters.length} blocks: use ${least} or more`);
	}
	if (!Number.isInteger(classes) || classes < 2) throw new Error(`classes is ${classes}: expected 2 or more`);
	if (!(l2 >= 0)) throw new Error(`l2 is ${l2}: expected 0 or more`);
	if (!(dropout >= 0 && dropout < 1)) throw new Error(`dropout is ${dropout}: expected 0 up to 1`);
}
