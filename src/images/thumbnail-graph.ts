// The graph that reduces an image to a 64 × 64 thumbnail and a sample of its pixels.
import { DType } from "../tensorflow/backend";
import type { FileFunction } from "../tensorflow/file-map";
import { constant, type GraphNode, integers, node, textAttribute } from "../tensorflow/graphdef";
import { decodeNodes, decodeSmallJpegNodes } from "./decode-graph";

/** The side of the thumbnail and of the sample, in pixels; and the bytes of each. */
export const SIDE = 64;
export const BYTES = SIDE * SIDE * 3;

/**
 * Returns the graph that reduces an image file to int32 `[height, width, ...bytes]`, four bytes in each int32.
 *
 * The first 64 × 64 × 3 bytes are a canvas with the thumbnail, of `height` × `width` pixels, in its upper left corner. The
 * others are the sample: unchanged pixels of the image, from a regular grid.
 *
 * @param ratio how much smaller a JPEG is decoded, see `decodeSmallJpegNodes`; 0 for other formats
 */
export function reduceFunction(ratio: number): FileFunction {
	const nodes: GraphNode[] = [
		...(ratio > 0 ? decodeSmallJpegNodes(ratio) : decodeNodes(3)),
		integers("zero", [], 0),
		integers("first", [1], 0),
		integers("two", [1], 2),
		node("batched", "ExpandDims", ["decoded:image:0", "zero:output:0"], { ...UINT8, ...types("Tdim", DType.int32) }),
		...smallSidesNodes(),
		integers("canvas", [2], SIDE, SIDE),
		...thumbnailNodes(),
		...sampleNodes(),
		...packNodes(),
	];
	return { nodes, output: "all:output:0", dtype: DType.int32, shape: [2 + (2 * BYTES) / 4] };
}

const types = (name: string, dtype: number) => ({ [name]: { type: dtype } });
const [FLOAT, UINT8, INT32] = [types("T", DType.float32), types("T", DType.uint8), types("T", DType.int32)];
const number = (name: string, value: number) => constant(name, [], DType.float32, Float32Array.of(value));
const cast = (name: string, from: string, source: number, target: number) =>
	node(name, "Cast", [from], { ...types("SrcT", source), ...types("DstT", target) });

/** Computes the thumbnail's size, `"smallSides:y:0"`, and its scale: the longer side becomes 64, unless it is smaller. */
function smallSidesNodes(): GraphNode[] {
	return [
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
	];
}

/** Resizes with antialiased bicubic interpolation, as Pillow's `resize`, to uint8 `"thumbnail:y:0"`. */
function thumbnailNodes(): GraphNode[] {
	return [
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
	];
}

function sampleNodes(): GraphNode[] {
	return [
		node("sample", "ResizeNearestNeighbor", ["batched:output:0", "canvas:output:0"], {
			...UINT8,
			align_corners: { b: false },
			half_pixel_centers: { b: true },
		}),
	];
}

/** Packs the size, the thumbnail and the sample into one int32 tensor, `"all:output:0"`. */
function packNodes(): GraphNode[] {
	const join = { ...types("Tidx", DType.int32), N: { i: 2 } };
	return [
		node("both", "ConcatV2", ["thumbnail:y:0", "sample:resized_images:0", "zero:output:0"], { ...UINT8, ...join }),
		integers("fours", [2], (2 * BYTES) / 4, 4),
		node("quadruples", "Reshape", ["both:output:0", "fours:output:0"], { ...UINT8, ...types("Tshape", DType.int32) }),
		node("packed", "Bitcast", ["quadruples:output:0"], { ...UINT8, ...types("type", DType.int32) }),
		node("all", "ConcatV2", ["smallSides:y:0", "packed:output:0", "zero:output:0"], { ...INT32, ...join }),
	];
}
