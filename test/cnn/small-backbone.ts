// A small network with batch norms, random weights and the layer names of a pretrained one.
import * as tf from "@tensorflow/tfjs-node-gpu";

export function smallBackbone(seed = 1): tf.LayersModel {
	const { layers } = tf;
	const initializer = () => ({ useBias: false, kernelInitializer: tf.initializers.glorotUniform({ seed: seed++ }) });
	const input = tf.input({ shape: [32, 32, 3] });
	const scaled = layers.rescaling({ scale: 1 / 255, name: "rescaling" }).apply(input);
	const first = layers.conv2d({
		filters: 4,
		kernelSize: 3,
		strides: 2,
		padding: "same",
		name: "block1_conv",
		...initializer(),
	});
	const norm = layers.batchNormalization({ name: "block1_bn" }).apply(first.apply(scaled));
	const relu = layers.reLU({ maxValue: 6, name: "block1_relu" }).apply(norm);
	const depthwise = layers.depthwiseConv2d({
		kernelSize: 3,
		padding: "same",
		useBias: false,
		name: "block2_dwconv",
		depthwiseInitializer: tf.initializers.glorotUniform({ seed: seed++ }),
	});
	const second = layers.batchNormalization({ name: "block2_bn" }).apply(depthwise.apply(relu));
	const dropped = layers.dropout({ rate: 0.5, name: "block2_drop" }).apply(second);
	const pooled = layers.globalAveragePooling2d({ name: "avg_pool" }).apply(dropped) as tf.SymbolicTensor;
	const model = tf.model({ inputs: input, outputs: pooled, name: "small" });
	const random = (weight: tf.Tensor) => tf.randomUniform(weight.shape, 0.5, 1.5, "float32", seed++);
	// Batch norms that have seen images: no mean of 0 and no variance of 1.
	model.setWeights(model.getWeights().map((weight) => (weight.rank === 1 ? random(weight) : weight)));
	return model;
}
