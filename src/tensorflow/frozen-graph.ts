// The graph of a model as it predicts, with its weights as constants and for any number of images.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType } from "./backend";
import { constant, type GraphNode, shapeProto } from "./graphdef";
import { record } from "./trace";

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
	const content = contentOf(node);
	if (node.op !== "Const" || !content || content.equals(contentOf(other) ?? Buffer.alloc(0))) return node;
	// A shape to reshape to: its first size is left to TensorFlow.
	const sizes = new Int32Array(new Uint8Array(content).buffer);
	return constant(
		node.name,
		[sizes.length],
		DType.int32,
		Int32Array.from(sizes, (size, i) => (i === 0 ? -1 : size)),
	);
}

function contentOf({ attr: { value } }: GraphNode): Buffer | null {
	const { tensorContent } = value && "tensor" in value ? value.tensor : {};
	return tensorContent ? Buffer.from(tensorContent) : null;
}
