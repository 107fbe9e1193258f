// What a format has no word for.
import type * as tf from "@tensorflow/tfjs-node-gpu";

/** Returns the error for a layer that a format cannot hold, with the one that can. */
export const unsupported = (layer: tf.layers.Layer, format: string, what: string): Error =>
	new Error(
		`the layer ${layer.name} (${layer.getClassName()}) has ${what} in ${format}: export it with --format tfjs, which has all layers`,
	);
