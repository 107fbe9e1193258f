// Makes layers that are not trainable run in inference mode.
import * as tf from "@tensorflow/tfjs-node-gpu";

type Call = tf.layers.Layer["call"];

/**
 * Makes batch normalization and dropout run in inference mode where `layer.trainable` is false, as Keras runs a frozen
 * network that is called with `training=False`: a training step neither updates the moving averages of a frozen batch norm,
 * nor normalizes with the statistics of the batch, nor drops units.
 *
 * Replaces `call` of the two classes of tf.layers, whose batch normalization looks at `training` only and changes frozen
 * averages. Can go when it looks at `trainable`, as Keras's does since version 2.
 */
function runFrozenLayersInInference(): void {
	for (const layer of [tf.layers.batchNormalization(), tf.layers.dropout({ rate: 0.5 })]) {
		const { prototype } = layer.constructor as { prototype: { call: Call } };
		const { call } = prototype;
		prototype.call = function (this: tf.layers.Layer, inputs, kwargs) {
			return call.call(this, inputs, this.trainable ? kwargs : { ...kwargs, training: false });
		};
	}
}

runFrozenLayersInInference();
