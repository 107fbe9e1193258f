// The graph that reduces an image to a 64 × 64 thumbnail and a sample of its pixels.
import { DType } from "../tensorflow/backend";
import type { FileFunction } from "../tensorflow/file-map";
import { constant, type GraphNode, integers, node, textAttribute } from "../tensorflow/graphdef";
import { decodeNodes, decodeSmallJpegNodes } from "./decode-graph";

/** Images are compared, and their edges looked at, at this size. */
export const SIDE = 64;
export const BYTES = SIDE * SIDE * 3;

/**
 * From a file to `[height, width, ...bytes]`: the image made smaller, to fit 64 × 64 pixels in its upper left corner,
 * and 64 × 64 pixels of it as they are, from a regular grid; four bytes to an int32.
 */
export function reduceFunction(ratio: number): FileFunction {
	const types = (name: string, dtype: number) => ({ [name]: { type: dtype } });
	const [FLOAT, UINT8, INT32] = [types("T", DType.float32), types("T", DType.uint8), types("T", DType.int32)];
	const number = (name: string, value: number) => constant(name, [], DType.float32, Float32Array.of(value));
	const cast = (name: string, from: string, source: number, target: number) =>
		node(name, "Cast", [from], { ...types("SrcT", source), ...types("DstT", target) });
	const nodes: GraphNode[] = [
		...(ratio > 0 ? decodeSmallJpegNodes(ratio) : decodeNodes(3)),
		integers("zero", [], 0),
		integers("first", [1], 0),
		integers("two", [1], 2),
		node("batched", "ExpandDims", ["decoded:image:0", "zero:output:0"], { ...UINT8, ...types("Tdim", DType.int32) }),

		node("shape", "Shape", ["decoded:image:0"], { ...UINT8, ...types("out_type", DType.int32) }),
		node("sides", "Slice", ["shape:output:0", "first:output:0", "two:output:0"], {
			...INT32,
			...types("Index", DType.int32),
		}),
		cast("lengths", "sides:output:0", DType.int32, DType.float32),
		node("longest", "Max", ["lengths:y:0", "zero:output:0"], {
			...FLOAT,
			...types("Tidx", DType.int32),
			keep_dims: { b: false },
		}),
		number("side", SIDE),
		number("one", 1),
		node("excess", "RealDiv", ["longest:output:0", "side:output:0"], FLOAT),
		node("reduction", "Maximum", ["excess:z:0", "one:output:0"], FLOAT),
		node("fitting", "RealDiv", ["lengths:y:0", "reduction:z:0"], FLOAT),
		node("whole", "Floor", ["fitting:z:0"], FLOAT),
		node("small", "Maximum", ["whole:y:0", "one:output:0"], FLOAT),
		node("scale", "RealDiv", ["small:z:0", "lengths:y:0"], FLOAT),
		cast("smallSides", "small:z:0", DType.float32, DType.int32),

		integers("canvas", [2], SIDE, SIDE),
		constant("noMove", [2], DType.float32, Float32Array.of(0, 0)),
		node("reduced", "ScaleAndTranslate", ["batched:output:0", "canvas:output:0", "scale:z:0", "noMove:output:0"], {
			...UINT8,
			kernel_type: textAttribute("keyscubic"),
			antialias: { b: true },
		}),
		number("black", 0),
		number("white", 255),
		node("clipped", "ClipByValue", ["reduced:resized_images:0", "black:output:0", "white:output:0"], FLOAT),
		node("rounded", "Round", ["clipped:output:0"], FLOAT),
		cast("thumbnail", "rounded:y:0", DType.float32, DType.uint8),

		node("sample", "ResizeNearestNeighbor", ["batched:output:0", "canvas:output:0"], {
			...UINT8,
			align_corners: { b: false },
			half_pixel_centers: { b: true },
		}),
		node("both", "ConcatV2", ["thumbnail:y:0", "sample:resized_images:0", "zero:output:0"], {
			...UINT8,
			...types("Tidx", DType.int32),
			N: { i: 2 },
		}),
		integers("fours", [2], (2 * BYTES) / 4, 4),
		node("quadruples", "Reshape", ["both:output:0", "fours:output:0"], { ...UINT8, ...types("Tshape", DType.int32) }),
		node("packed", "Bitcast", ["quadruples:output:0"], { ...UINT8, ...types("type", DType.int32) }),
		node("all", "ConcatV2", ["smallSides:y:0", "packed:output:0", "zero:output:0"], {
			...INT32,
			...types("Tidx", DType.int32),
			N: { i: 2 },
		}),
	];
	return { nodes, output: "all:output:0", dtype: DType.int32, shape: [2 + (2 * BYTES) / 4] };
}
