// The graph of a model as it predicts, with its weights as constants and for any number of images.
import { isDeepStrictEqual } from "node:util";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType } from "./backend";
import { constant, type GraphNode, shapeProto } from "./graphdef";
import { record } from "./trace";
import { CannotTrace } from "./trace-nodes";

/** A graph from float32 `[batch, …]` to float32 `[batch, …]`. */
export interface FrozenGraph {
	nodes: GraphNode[];
	/** Name of the placeholder. */
	input: string;
	/** Name of the node that is the output. */
	output: string;
}

/**
 * Returns the graph of a model's prediction, as `convert_variables_to_constants` of Python makes it.
 *
 * @param model model of tf.layers with one input and one output; only its batch may be of any size
 * @throws {CannotTrace} when a graph cannot express a layer, or one computes with the size of the batch
 */
export function frozenGraph(model: tf.LayersModel): FrozenGraph {
	const [{ shape }] = model.inputs;
	// The batch's size is a constant of the graph: what differs between two sizes is where it stands.
	const [nodes, others] = [2, 3].map((size) => {
		const images = tf.zeros([size, ...(shape.slice(1) as number[])]);
		try {
			const { trace } = record(([xs]) => [model.apply(xs, { training: false }) as tf.Tensor], [images]);
			return withConstants(trace.nodes, trace.variables);
		} finally {
			images.dispose();
		}
	});
	return { nodes: nodes.map((node, i) => forAnyBatch(node, others[i], shape)), input: "input_0", output: "output_0" };
}

/** Puts the values of variables into the graph. */
function withConstants(nodes: GraphNode[], variables: tf.Variable[]): GraphNode[] {
	const ofVariables = /^(variable|new|copy|assign|assigned)_\d+$/;
	return nodes
		.filter(({ name }) => !ofVariables.test(name))
		.map((node) => {
			const variable = node.op === "ReadVariableOp" ? variables[Number(node.name.replace("read_", ""))] : undefined;
			if (!variable) return node;
			return constant(node.name, variable.shape, DType.float32, variable.dataSync<"float32">().slice());
		});
}

function forAnyBatch(node: GraphNode, other: GraphNode, shape: tf.Shape): GraphNode {
	if (node.op === "Placeholder") {
		const anyBatch = shapeProto([-1, ...(shape.slice(1) as number[])]);
		return { ...node, attr: { ...node.attr, shape: { shape: anyBatch } } };
	}
	if (node.op !== "Const" || isDeepStrictEqual(node, other)) return node;
	// A shape to reshape to: the number of images in it is left to TensorFlow.
	const [sizes, otherSizes] = [sizesIn(node), sizesIn(other)];
	const batch = sizes.findIndex((size, i) => size === 2 && otherSizes[i] === 3);
	if (batch < 0 || !isDeepStrictEqual(sizes.with(batch, 3), otherSizes))
		throw new CannotTrace("a layer computes with the number of images");
	return constant(node.name, [sizes.length], DType.int32, Int32Array.from(sizes.with(batch, -1)));
}

/** The integers of a constant; none when it holds something else. */
function sizesIn({ attr: { value } }: GraphNode): number[] {
	const tensor = value && "tensor" in value ? value.tensor : null;
	if (tensor?.dtype !== DType.int32 || !tensor.tensorContent) return [];
	return [...new Int32Array(new Uint8Array(tensor.tensorContent).buffer)];
}
