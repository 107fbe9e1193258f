// The graph that decodes, resizes and packs an image file.
import { DType } from "../tensorflow/backend";
import { type FileFunction, mapFilesInOrder, type OrderedResults } from "../tensorflow/file-map";
import { type GraphNode, integers, node, textAttribute } from "../tensorflow/graphdef";

/** How an image is decoded. */
export interface DecodeOptions {
	/** `[height, width]` in pixels. */
	imageSize: [number, number];
	/** 1, 3 or 4. */
	channels: number;
	interpolation: "bilinear" | "nearest";
	/** Whether to cut the middle out, in place of distorting it. */
	cropToAspectRatio: boolean;
	/** Whether pixels are rounded, one byte each, or left as the fractions that resizing gives. */
	packed: boolean;
}

/** How many int32 hold the bytes of an image, four in each; the last may have some to spare. */
export function packedLength({ imageSize, channels }: Pick<DecodeOptions, "imageSize" | "channels">): number {
	return Math.ceil((imageSize[0] * imageSize[1] * channels) / 4);
}

/** How many images come out of TensorFlow at a time, and how many such chunks are decoded ahead. */
const CHUNK = 32;
const AHEAD = 4;

/** Begins to decode files: `height × width × channels` floats each, or as many bytes, see `packedLength`. */
export function decodeFiles(paths: string[], options: DecodeOptions): OrderedResults {
	return mapFilesInOrder(paths, decodeFunction(options), { chunk: CHUNK, ahead: AHEAD });
}

function imageShape(options: DecodeOptions): number[] {
	return options.packed ? [packedLength(options)] : [...options.imageSize, options.channels];
}

/** Path to image, by the operations that Keras's `image_dataset_from_directory` uses. */
function decodeFunction(options: DecodeOptions): FileFunction {
	const { imageSize, interpolation, cropToAspectRatio, packed } = options;
	const resize = interpolation === "nearest" ? "ResizeNearestNeighbor" : "ResizeBilinear";
	const resized = interpolation === "nearest" ? DType.uint8 : DType.float32;
	const half = { align_corners: { b: false }, half_pixel_centers: { b: true } };
	const decoded = cropToAspectRatio ? "cropped:output:0" : "decoded:image:0";
	const nodes = [
		...decodeNodes(options.channels),
		...(cropToAspectRatio ? crop(imageSize) : []),
		integers("first", [], 0),
		node("batched", "ExpandDims", [decoded, "first:output:0"], { T: UINT8, Tdim: INT32 }),
		integers("size", [2], ...imageSize),
		node("resized", resize, ["batched:output:0", "size:output:0"], { T: UINT8, ...half }),
		...(packed ? pack(options, resized) : unbatch(resized)),
	];
	return {
		nodes,
		output: `image:${packed ? "output" : "y"}:0`,
		dtype: packed ? DType.int32 : DType.float32,
		shape: imageShape(options),
	};
}

/** The nodes that make bytes `[height, width, channels]`, `"decoded:image:0"`, of a `path`. */
export function decodeNodes(channels: number): GraphNode[] {
	const attributes = { channels: { i: channels }, dtype: UINT8, expand_animations: { b: false } };
	return [node("file", "ReadFile", ["path"]), node("decoded", "DecodeImage", ["file:contents:0"], attributes)];
}

/**
 * The same for JPEG files, `ratio` (1, 2, 4 or 8) times smaller, which costs less. The data are read to their end and
 * found damaged all the same.
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

function unbatch(dtype: number): GraphNode[] {
	const single = { T: type(dtype), squeeze_dims: { list: { i: [0] } } };
	return [
		node("single", "Squeeze", ["resized:resized_images:0"], single),
		node("image", "Cast", ["single:output:0"], { SrcT: type(dtype), DstT: FLOAT }),
	];
}

/** Rounded to bytes, and four of them taken for an int32: tfjs has no tensors of bytes. */
function pack(options: DecodeOptions, dtype: number): GraphNode[] {
	const length = packedLength(options);
	const spare = 4 * length - options.imageSize[0] * options.imageSize[1] * options.channels;
	return [
		node("fractions", "Cast", ["resized:resized_images:0"], { SrcT: type(dtype), DstT: FLOAT }),
		node("rounded", "Round", ["fractions:y:0"], { T: FLOAT }),
		node("bytes", "Cast", ["rounded:y:0"], { SrcT: FLOAT, DstT: UINT8 }),
		integers("flat", [1], -1),
		node("row", "Reshape", ["bytes:y:0", "flat:output:0"], { T: UINT8, Tshape: INT32 }),
		integers("spare", [1, 2], 0, spare),
		node("padded", "Pad", ["row:output:0", "spare:output:0"], { T: UINT8, Tpaddings: INT32 }),
		integers("fours", [2], length, 4),
		node("quadruples", "Reshape", ["padded:output:0", "fours:output:0"], { T: UINT8, Tshape: INT32 }),
		node("image", "Bitcast", ["quadruples:output:0"], { T: UINT8, type: INT32 }),
	];
}

/** The largest middle part with the aspect of `[height, width]`. */
function crop([height, width]: [number, number]): GraphNode[] {
	const T = INT32;
	const join = { T, Tidx: T, N: { i: 2 } };
	return [
		node("shape", "Shape", ["decoded:image:0"], { T: UINT8, out_type: T }),
		integers("zero", [1], 0),
		integers("two", [1], 2),
		node("sides", "Slice", ["shape:output:0", "zero:output:0", "two:output:0"], { T, Index: T }),
		node("swapped", "ReverseV2", ["sides:output:0", "zero:output:0"], { T, Tidx: T }),
		integers("wanted", [2], height, width),
		integers("wantedSwapped", [2], width, height),
		node("product", "Mul", ["swapped:output:0", "wanted:output:0"], { T }),
		node("fitting", "FloorDiv", ["product:z:0", "wantedSwapped:output:0"], { T }),
		node("kept", "Minimum", ["sides:output:0", "fitting:z:0"], { T }),
		node("left", "Sub", ["sides:output:0", "kept:z:0"], { T }),
		node("corner", "FloorDiv", ["left:z:0", "two:output:0"], { T }),
		integers("all", [1], -1),
		integers("axis", [], 0),
		node("begin", "ConcatV2", ["corner:z:0", "zero:output:0", "axis:output:0"], join),
		node("extent", "ConcatV2", ["kept:z:0", "all:output:0", "axis:output:0"], join),
		node("cropped", "Slice", ["decoded:image:0", "begin:output:0", "extent:output:0"], { T: UINT8, Index: T }),
	];
}
