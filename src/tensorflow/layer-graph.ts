// The graph of a model's layers: which layer follows which.
import type * as tf from "@tensorflow/tfjs-node-gpu";

/** The undocumented nodes of tf.layers' graph of layers, the only way to see which layer follows which. */
type LayerNode = { outboundLayer: tf.layers.Layer };
type Connected = { inboundNodes: LayerNode[]; outboundNodes: LayerNode[] };

/** Returns the symbolic tensors that an output of a layer is computed from. */
export const inputsOf = ({ sourceLayer, nodeIndex }: tf.SymbolicTensor): tf.SymbolicTensor[] =>
	sourceLayer.inboundNodes[nodeIndex].inputTensors;

/** Returns the only layer that takes a layer's output, or `null` when either of the two is used more than once. */
export function onlyFollower(layer: tf.layers.Layer): tf.layers.Layer | null {
	const { inboundNodes, outboundNodes } = layer as unknown as Connected;
	if (inboundNodes.length !== 1 || outboundNodes.length !== 1) return null;
	const [{ outboundLayer }] = outboundNodes;
	return (outboundLayer as unknown as Connected).inboundNodes.length === 1 ? outboundLayer : null;
}

/**
 * Computes something for each layer of a model, from what the layers before it gave: for tensors as `model.apply` does, for
 * symbolic tensors another model with the same or other layers.
 *
 * @param inputs what the inputs of the model give
 * @param visit what a layer gives for the results of its inputs; layers have one output
 * @returns what the model's outputs give
 */
export function walkLayers<T>(
	model: Pick<tf.LayersModel, "inputs" | "outputs">,
	inputs: T[],
	visit: (layer: tf.layers.Layer, inputs: T[], output: tf.SymbolicTensor) => T,
): T[] {
	const results = new Map<number, T>(model.inputs.map(({ id }, i) => [id, inputs[i]]));
	const resultOf = (tensor: tf.SymbolicTensor): T => {
		const known = results.get(tensor.id);
		if (known !== undefined) return known;
		const before = inputsOf(tensor).map(resultOf);
		const result = visit(tensor.sourceLayer, before, tensor);
		results.set(tensor.id, result);
		return result;
	};
	return model.outputs.map(resultOf);
}

/** Applies a layer to inputs of any number, symbolic or not: for `walkLayers`. */
export const applied = <T extends tf.Tensor | tf.SymbolicTensor>(layer: tf.layers.Layer, inputs: T[]): T =>
	layer.apply((inputs.length > 1 ? inputs : inputs[0]) as tf.Tensor) as unknown as T;
