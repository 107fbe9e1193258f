// The network and a table of its layers.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { setPrecision } from "../tensorflow/precision";
import { withSeededMasks } from "../tensorflow/random";

export interface CnnOptions {
	/** `[height, width, channels]` of the images. Default `[64, 64, 3]`. */
	inputShape?: [number, number, number];
	/** Number of classes, the width of the softmax: 2 or more. Default 2. */
	classes?: number;
	/** Number of filters of each block of convolution and max pooling. Default `[32, 64, 128, 256]`. */
	filters?: number[];
	/** Width of the hidden dense layer. Default 256. */
	denseUnits?: number;
	/** Fraction of the hidden units dropped at each training step, 0 or more and below 1. Default 0.4. */
	dropout?: number;
	/**
	 * Scale of the pixels in a first layer, above 0: `1 / 255` for inputs of 0–1 (`keras.layers.Rescaling(1 / 255)`). Default
	 * 1, without such a layer.
	 */
	rescaling?: number;
	/**
	 * Whether batch normalization follows each convolution, before its ReLU; or its options. Default false.
	 *
	 * `momentum`: weight of the past in the moving averages that predictions use, 0 or more and below 1. After n steps the
	 * initial averages still weigh `momentum ** n`: with Keras's default of 0.99 two thirds after 40 steps, with 0.9 a
	 * seventieth. Default 0.99.
	 */
	batchNormalization?: boolean | { momentum?: number };
	/**
	 * Whether the convolutions after the first are depthwise separable (Chollet, CVPR 2017), with about a ninth of the
	 * parameters. Default false.
	 */
	separable?: boolean;
	/** L2 regularization factor of the kernels, 0 or more; biases are not regularized. Default 0. */
	l2?: number;
	/** Whether global average pooling replaces the flattening of the last feature maps. Default false. */
	globalAveragePooling?: boolean;
	/** Random seed of the initial weights and of dropout. Default: a different one each time. */
	seed?: number;
	/** Precision in which the network computes, `"float32"`, `"mixed_bfloat16"` or `"auto"`: see `setPrecision`. Default `"float32"`. */
	precision?: string;
}

/** Initializer and regularizer of the kernels of a network. */
interface KernelOptions {
	/** Returns an initializer with the next seed. */
	initializer(): ReturnType<typeof tf.initializers.glorotUniform>;
	regularizer: ReturnType<typeof tf.regularizers.l2> | null;
}

/**
 * Builds the pipeline's CNN: blocks of 3×3 convolution with ReLU and 2×2 max pooling, a dense layer with dropout and a
 * softmax.
 *
 * Input: float32 `[batch, height, width, channels]` in 0–255, as from `imageDatasetFromDirectory`. Output: float32
 * `[batch, classes]`, the probability of each class. Weights are initialized as in Keras: Glorot uniform, biases zero.
 *
 * @throws when the images are too small for that many blocks, or an option is out of its range
 */
export function cnn({
	inputShape = [64, 64, 3],
	classes = 2,
	filters = [32, 64, 128, 256],
	denseUnits = 256,
	dropout = 0.4,
	rescaling = 1,
	batchNormalization = false,
	separable = false,
	l2 = 0,
	globalAveragePooling = false,
	seed,
	precision = "float32",
}: CnnOptions = {}): tf.Sequential {
	const { momentum = 0.99 } = typeof batchNormalization === "object" ? batchNormalization : {};
	checkOptions({ inputShape, classes, filters, dropout, rescaling, momentum, l2 });
	let nextSeed = seed ?? Math.floor(Math.random() * 1e9);
	const kernel: KernelOptions = {
		initializer: () => tf.initializers.glorotUniform({ seed: nextSeed++ }),
		regularizer: l2 > 0 ? tf.regularizers.l2({ l2 }) : null,
	};
	const model = tf.sequential();
	if (rescaling !== 1) model.add(tf.layers.rescaling({ scale: rescaling, inputShape, name: "rescaling" }));
	filters.forEach((count, i) => {
		const first = i === 0 && rescaling === 1 ? { inputShape } : {};
		const options = {
			...first,
			filters: count,
			separable: separable && i > 0,
			...(batchNormalization && { momentum }),
		};
		for (const layer of convolutionBlock(i + 1, options, kernel)) model.add(layer);
	});
	model.add(
		globalAveragePooling
			? tf.layers.globalAveragePooling2d({ name: "global_average_pooling2d" })
			: tf.layers.flatten({ name: "flatten" }),
	);
	model.add(denseLayer("dense_1", denseUnits, "relu", kernel));
	model.add(withSeededMasks(tf.layers.dropout({ rate: dropout, seed: nextSeed++, name: "dropout" })));
	model.add(denseLayer("dense_2", classes, "softmax", kernel));
	setPrecision(model, precision);
	return model;
}

/** Returns the layers of a block: convolution, batch normalization if it has a momentum, ReLU and max pooling. */
function convolutionBlock(
	index: number,
	options: { inputShape?: number[]; filters: number; momentum?: number; separable: boolean },
	{ initializer, regularizer }: KernelOptions,
): tf.layers.Layer[] {
	const { momentum, separable, ...shape } = options;
	const config = {
		...shape,
		kernelSize: 3,
		name: `${separable ? "separable_" : ""}conv2d_${index}`,
		...(momentum !== undefined ? { useBias: false } : { activation: "relu" as const }),
	};
	const convolution = separable
		? tf.layers.separableConv2d({
				...config,
				depthwiseInitializer: initializer(),
				pointwiseInitializer: initializer(),
				...(regularizer && { pointwiseRegularizer: regularizer }),
			})
		: tf.layers.conv2d({
				...config,
				...(regularizer && { kernelRegularizer: regularizer }),
				kernelInitializer: initializer(),
			});
	const normalization =
		momentum !== undefined
			? [
					tf.layers.batchNormalization({ momentum, name: `batch_normalization_${index}` }),
					tf.layers.activation({ activation: "relu", name: `relu_${index}` }),
				]
			: [];
	return [convolution, ...normalization, tf.layers.maxPooling2d({ poolSize: 2, name: `max_pooling2d_${index}` })];
}

function denseLayer(
	name: string,
	units: number,
	activation: "relu" | "softmax",
	{ initializer, regularizer }: KernelOptions,
): tf.layers.Layer {
	const regularization = regularizer ? { kernelRegularizer: regularizer } : {};
	return tf.layers.dense({ units, activation, name, ...regularization, kernelInitializer: initializer() });
}

/** One row of `summary`: a layer. */
export type LayerSummary = { layer: string; type: string; outputShape: string; parameters: number; percent: string };

/**
 * Lists the layers of a model, as `model.summary()` prints them: name, type, output shape, parameters.
 *
 * @returns one row per layer; `percent` is its percentage of all parameters
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

type CheckedOptions = Required<
	Pick<CnnOptions, "inputShape" | "classes" | "filters" | "dropout" | "rescaling" | "l2"> & { momentum: number }
>;

function checkOptions({ inputShape, classes, filters, dropout, rescaling, momentum, l2 }: CheckedOptions): void {
	const [height, width] = inputShape;
	// In each block the convolution (3×3, no padding) removes two pixels and pooling halves the rest.
	const left = filters.reduce((size) => Math.floor((size - 2) / 2), Math.min(height, width));
	if (left < 1) {
		const least = filters.reduce((size) => size * 2 + 2, 1);
		throw new Error(`images of ${height}×${width} are too small for ${filters.length} blocks: use ${least} or more`);
	}
	if (!Number.isInteger(classes) || classes < 2) throw new Error(`classes is ${classes}: expected 2 or more`);
	if (!(rescaling > 0 && rescaling < Number.POSITIVE_INFINITY))
		throw new Error(`rescaling is ${rescaling}: expected a number above 0, for example 1 / 255`);
	if (!(momentum >= 0 && momentum < 1))
		throw new Error(`momentum is ${momentum}: expected a number of 0 or more and below 1, for example 0.9`);
	if (!(l2 >= 0)) throw new Error(`l2 is ${l2}: expected 0 or more`);
	if (!(dropout >= 0 && dropout < 1))
		throw new Error(`dropout is ${dropout}: expected a number of 0 or more and below 1`);
}
