// bfloat16 in a graph: by TensorFlow's rewriter where the processor multiplies it, or else emulated.
import { DType } from "./backend";
import { type GraphNode, node } from "./graphdef";

/**
 * The session's ConfigProto `graph_options { rewrite_options { auto_mixed_precision_onednn_bfloat16: ON } }`: TensorFlow's
 * graph rewriter puts casts to bfloat16 and back where they cost least.
 */
export const BFLOAT16_CONFIG = Uint8Array.of(0x52, 0x05, 0x52, 0x03, 0xf8, 0x01, 0x01);

/** The operations that multiply, with the indices of their factors. */
const PRODUCTS: Record<string, number[]> = {
	Conv2D: [0, 1],
	Conv2DBackpropInput: [1, 2],
	Conv2DBackpropFilter: [0, 2],
	DepthwiseConv2dNative: [0, 1],
	DepthwiseConv2dNativeBackpropInput: [1, 2],
	DepthwiseConv2dNativeBackpropFilter: [0, 2],
	MatMul: [0, 1],
	BatchMatMulV2: [0, 1],
};

/**
 * Returns a graph in which the factors and the results of convolutions and matrix products are rounded to bfloat16, and
 * their sums are float32: what the rewriter makes of it, up to where it rounds between them.
 */
export function withRoundedProducts(nodes: GraphNode[]): GraphNode[] {
	const added = new Map<string, GraphNode[]>();
	const rounded = (reference: string): string => {
		const name = `rounded_${reference.replace(":", "_")}`;
		if (!added.has(name)) added.set(name, rounding(name, reference));
		return name;
	};
	const products = new Set(nodes.filter(({ op }) => Object.hasOwn(PRODUCTS, op)).map(({ name }) => name));
	const rewired = nodes.map((each) => {
		const factors = PRODUCTS[each.op] ?? [];
		const input = each.input.map((reference, i) =>
			factors.includes(i) || products.has(reference) ? rounded(reference) : reference,
		);
		return { ...each, input };
	});
	return [...rewired, ...[...added.values()].flat()];
}

/** Returns the nodes of a cast to bfloat16 and back, the second of that name. */
function rounding(name: string, reference: string): GraphNode[] {
	const [FLOAT, BFLOAT16] = [{ type: DType.float32 }, { type: DType.bfloat16 }];
	return [
		node(`${name}_bfloat16`, "Cast", [reference], { SrcT: FLOAT, DstT: BFLOAT16 }),
		node(name, "Cast", [`${name}_bfloat16`], { SrcT: BFLOAT16, DstT: FLOAT }),
	];
}
