// The same network with random weights, to compare a trained one with.
import * as tf from "@tensorflow/tfjs-node-gpu";

/**
 * Returns a model with the same layers and random weights: kernels Glorot uniform, biases and batch norms as at the start of
 * training. What it shows as well as the trained model is not learned (Adebayo et al., NeurIPS 2018).
 *
 * @param seed random seed of the weights
 */
export async function withRandomWeights(model: tf.LayersModel, seed: number): Promise<tf.LayersModel> {
	const topology = model.toJSON(null, false) as { class_name: string; config: tf.serialization.ConfigDict };
	const copy = await tf.models.modelFromJSON({ modelTopology: topology } as Parameters<
		typeof tf.models.modelFromJSON
	>[0]);
	tf.tidy(() => {
		const weights = copy
			.getWeights()
			.map((weight, i) =>
				weight.rank > 1 ? tf.initializers.glorotUniform({ seed: seed + i }).apply(weight.shape) : weight,
			);
		copy.setWeights(weights);
	});
	return copy;
}
