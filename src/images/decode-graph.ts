// The graph that decodes, resizes and packs an image file.
import { DType } from "../tensorflow/backend";
import { type FileFunction, mapFilesInOrder, type OrderedResults } from "../tensorflow/file-map";
import { constant, type GraphNode, integers, node, textAttribute } from "../tensorflow/graphdef";
import { TENSORFLOW_STARTS } from "./formats";
import { TURNS } from "./orientation";

/** Resolved options of decoding, see `resolveDecodeOptions`. */
export interface DecodeOptions {
	/** `[height, width]` in pixels that images are resized to. */
	imageSize: [number, number];
	/** 1 (greyscale), 3 (RGB) or 4 (RGBA). */
	channels: 1 | 3 | 4;
	/** Whether images are turned by their orientation. */
	applyOrientation: boolean;
	/** The interpolation of resizing. */
	interpolation: "bilinear" | "nearest";
	/** Whether images of another aspect ratio are centre-cropped instead of distorted. */
	cropToAspectRatio: boolean;
	/** Whether pixels are rounded to bytes, four in each int32; or else float32, as resizing computes them. */
	packed: boolean;
}

/** Returns the number of int32 that hold the bytes of an image, four in each. The last one is padded with zeros. */
export function packedLength({ imageSize, channels }: Pick<DecodeOptions, "imageSize" | "channels">): number {
	return Math.ceil((imageSize[0] * imageSize[1] * channels) / 4);
}

/** Images per chunk, and chunks that are decoded ahead. */
const CHUNK = 32;
const AHEAD = 4;

/** What files that one graph decodes have in common. */
export interface FileKind {
	/** Whether they are JPEG, which TensorFlow does not decode to four channels. */
	isJpeg: boolean;
	/** By which EXIF orientation they are turned: 1 for none. */
	orientation: number;
}

/**
 * Starts to decode files of one kind, on all cores.
 *
 * @returns for each file `height × width × channels` float32 in 0–255; packed: int32 of length `packedLength`
 */
export function decodeFiles(paths: string[], options: DecodeOptions, kind: FileKind): OrderedResults {
	return mapFilesInOrder(paths, decodeFunction(options, kind), { chunk: CHUNK, ahead: AHEAD });
}

function imageShape(options: DecodeOptions): number[] {
	return options.packed ? [packedLength(options)] : [...options.imageSize, options.channels];
}

/** Returns the graph from a path to an image, with the operations of Keras's `image_dataset_from_directory`. */
function decodeFunction(options: DecodeOptions, { isJpeg, orientation }: FileKind): FileFunction {
	const { imageSize, channels, interpolation, cropToAspectRatio, packed } = options;
	const resize = interpolation === "nearest" ? "ResizeNearestNeighbor" : "ResizeBilinear";
	const resized = interpolation === "nearest" ? DType.uint8 : DType.float32;
	const half = { align_corners: { b: false }, half_pixel_centers: { b: true } };
	const addsAlpha = isJpeg && channels === 4;
	const turned = turnNodes(addsAlpha ? "opaque:output:0" : "decoded:image:0", orientation);
	const nodes = [
		...decodeNodes(addsAlpha ? 3 : channels),
		...(addsAlpha ? alphaNodes() : []),
		...turned.nodes,
		...(cropToAspectRatio ? centreCropNodes(turned.output, imageSize) : []),
		integers("first", [], 0),
		node("batched", "ExpandDims", [cropToAspectRatio ? "cropped:output:0" : turned.output, "first:output:0"], {
			T: UINT8,
			Tdim: INT32,
		}),
		integers("size", [2], ...imageSize),
		node("resized", resize, ["batched:output:0", "size:output:0"], { T: UINT8, ...half }),
		...(packed ? packNodes(options, resized) : unbatchNodes(resized)),
	];
	return {
		nodes,
		output: `image:${packed ? "output" : "y"}:0`,
		dtype: packed ? DType.int32 : DType.float32,
		shape: imageShape(options),
	};
}

/** Returns the same graph from the bytes of a file, the string `encoded`. */
export function decodeBytesFunction(options: DecodeOptions): FileFunction {
	const { nodes, ...rest } = decodeFunction(options, { isJpeg: false, orientation: 1 });
	const fromBytes = (name: string) => (["file:contents:0", "path"].includes(name) ? "encoded" : name);
	const kept = nodes.filter(({ name }) => name !== "file");
	return { nodes: kept.map((each) => ({ ...each, input: each.input.map(fromBytes) })), ...rest };
}

/**
 * Returns the nodes that decode the file `path` to uint8 `[height, width, channels]`, `"decoded:image:0"`. They fail on files
 * that `formatOf` does not find TensorFlow's: it would decode some of them to wrong pixels.
 */
export function decodeNodes(channels: number): GraphNode[] {
	const attributes = { channels: { i: channels }, dtype: UINT8, expand_animations: { b: false } };
	const latin = { input_encoding: textAttribute("ISO-8859-1"), output_encoding: textAttribute("UTF-8") };
	return [
		node("file", "ReadFile", ["path"]),
		integers("start", [], 0),
		integers("length", [], LONGEST_START),
		node("bytes", "Substr", ["file:contents:0", "start:output:0", "length:output:0"], { T: INT32 }),
		node("text", "UnicodeTranscode", ["bytes:output:0"], latin),
		node("known", "StaticRegexFullMatch", ["text:output:0"], { pattern: textAttribute(TENSORFLOW_STARTS) }),
		node("checked", "Assert", ["known:output:0", "path"], { T: { list: { type: [DType.string] } } }),
		node("decoded", "DecodeImage", ["file:contents:0", "^checked"], attributes),
	];
}

/** The number of bytes that `TENSORFLOW_STARTS` looks at: the header of BMP with masks. */
const LONGEST_START = 66;

/** Adds a fourth channel of 255, `"opaque:output:0"`. */
function alphaNodes(): GraphNode[] {
	return [
		integers("beside", [3, 2], 0, 0, 0, 0, 0, 1),
		constant("full", [], DType.uint8, Uint8Array.of(255)),
		node("opaque", "PadV2", ["decoded:image:0", "beside:output:0", "full:output:0"], { T: UINT8, Tpaddings: INT32 }),
	];
}

/** Turns an image by its orientation; see `turn` in `decode.ts`. */
function turnNodes(input: string, orientation: number): { nodes: GraphNode[]; output: string } {
	const turns = TURNS[orientation];
	if (!turns) return { nodes: [], output: input };
	const { transpose, reverse } = turns;
	const T = UINT8;
	const transposed = transpose ? "transposed:y:0" : input;
	const nodes = [
		integers("columnsFirst", [3], 1, 0, 2),
		...(transpose ? [node("transposed", "Transpose", [input, "columnsFirst:output:0"], { T, Tperm: INT32 })] : []),
		integers("reversedAxes", [reverse.length], ...reverse),
		node("turned", "ReverseV2", [transposed, "reversedAxes:output:0"], { T, Tidx: INT32 }),
	];
	return { nodes, output: "turned:output:0" };
}

/**
 * Returns the same for JPEG files, with both sides `ratio` (1, 2, 4 or 8) times smaller, which is faster. The whole file is
 * read, so that damaged data still fail.
 */
export function decodeSmallJpegNodes(ratio: number): GraphNode[] {
	const attributes = {
		channels: { i: 3 },
		ratio: { i: ratio },
		fancy_upscaling: { b: true },
		try_recover_truncated: { b: false },
		acceptable_fraction: { f: 1 },
		dct_method: textAttribute(""),
	};
	return [node("file", "ReadFile", ["path"]), node("decoded", "DecodeJpeg", ["file:contents:0"], attributes)];
}

const type = (dtype: number) => ({ type: dtype });
const UINT8 = type(DType.uint8);
const INT32 = type(DType.int32);
const FLOAT = type(DType.float32);

/** Removes the batch dimension that resizing needs. */
function unbatchNodes(dtype: number): GraphNode[] {
	const single = { T: type(dtype), squeeze_dims: { list: { i: [0] } } };
	return [
		node("single", "Squeeze", ["resized:resized_images:0"], single),
		node("image", "Cast", ["single:output:0"], { SrcT: type(dtype), DstT: FLOAT }),
	];
}

/** Rounds to bytes and packs four in each int32, since tfjs has no dtype for uint8; see `pack` in `decode.ts`. */
function packNodes(options: DecodeOptions, dtype: number): GraphNode[] {
	const length = packedLength(options);
	const padding = 4 * length - options.imageSize[0] * options.imageSize[1] * options.channels;
	return [
		node("fractions", "Cast", ["resized:resized_images:0"], { SrcT: type(dtype), DstT: FLOAT }),
		node("rounded", "Round", ["fractions:y:0"], { T: FLOAT }),
		node("levels", "Cast", ["rounded:y:0"], { SrcT: FLOAT, DstT: UINT8 }),
		integers("flat", [1], -1),
		node("row", "Reshape", ["levels:y:0", "flat:output:0"], { T: UINT8, Tshape: INT32 }),
		integers("spare", [1, 2], 0, padding),
		node("padded", "Pad", ["row:output:0", "spare:output:0"], { T: UINT8, Tpaddings: INT32 }),
		integers("fours", [2], length, 4),
		node("quadruples", "Reshape", ["padded:output:0", "fours:output:0"], { T: UINT8, Tshape: INT32 }),
		node("image", "Bitcast", ["quadruples:output:0"], { T: UINT8, type: INT32 }),
	];
}

/** Crops to the largest centre with the aspect ratio of `[height, width]`; see `centreCrop` in `decode.ts`. */
function centreCropNodes(input: string, [height, width]: [number, number]): GraphNode[] {
	const T = INT32;
	const join = { T, Tidx: T, N: { i: 2 } };
	return [
		node("shape", "Shape", [input], { T: UINT8, out_type: T }),
		integers("zero", [1], 0),
		integers("two", [1], 2),
		node("sides", "Slice", ["shape:output:0", "zero:output:0", "two:output:0"], { T, Index: T }),
		node("swapped", "ReverseV2", ["sides:output:0", "zero:output:0"], { T, Tidx: T }),
		integers("target", [2], height, width),
		integers("targetSwapped", [2], width, height),
		node("product", "Mul", ["swapped:output:0", "target:output:0"], { T }),
		node("fitting", "FloorDiv", ["product:z:0", "targetSwapped:output:0"], { T }),
		node("cropSize", "Minimum", ["sides:output:0", "fitting:z:0"], { T }),
		node("margins", "Sub", ["sides:output:0", "cropSize:z:0"], { T }),
		node("corner", "FloorDiv", ["margins:z:0", "two:output:0"], { T }),
		integers("all", [1], -1),
		integers("axis", [], 0),
		node("begin", "ConcatV2", ["corner:z:0", "zero:output:0", "axis:output:0"], join),
		node("extent", "ConcatV2", ["cropSize:z:0", "all:output:0", "axis:output:0"], join),
		node("cropped", "Slice", [input, "begin:output:0", "extent:output:0"], { T: UINT8, Index: T }),
	];
}
