// Decodes files in full, or checks their containers only, and says why one is unusable.
import { readFileSync, statSync } from "node:fs";
import { decodeImage } from "../images/decode-bytes";
import { decodeNodes, decodeSmallJpegNodes } from "../images/decode-graph";
import { type Format, inspectFile, MAX_PIXELS, sizeOf } from "../images/formats";
import { openBySharp, unsupportedContent } from "../images/raw";
import { MAX_FILE_BYTES, readRegularFile } from "../support/files";
import { inChunks } from "../support/iteration";
import { DType } from "../tensorflow/backend";
import { type FileFunction, mapFilesInOrder } from "../tensorflow/file-map";
import { node } from "../tensorflow/graphdef";
import { isWholeContainer } from "./container";

/**
 * Why a file cannot be used for training:
 *
 * - `"empty"`: it has no bytes;
 * - `"truncated"`: its end is missing;
 * - `"not an image"`: it has no signature of a known image format;
 * - `"damaged data"`: its header is valid and its end is there, but it does not decode;
 * - `"unsupported format"`: an image of a format that training cannot read, such as HEIC or ICO, or a TIFF of floating-point
 *   numbers;
 * - `"too large"`: its header claims more than `MAX_PIXELS` pixels, or it has more than `MAX_FILE_BYTES`; it was not decoded;
 * - `"unreadable"`: the system cannot read it, or it is not a regular file.
 */
export type Reason =
	| "empty"
	| "truncated"
	| "not an image"
	| "damaged data"
	| "unsupported format"
	| "too large"
	| "unreadable";

/** The verification result of a file. */
export interface Verified {
	path: string;
	/** `null` if training can use it. */
	reason: Reason | null;
	/** The message of the decoder or the system; `""` if training can use the file. */
	detail: string;
	/** The format of its content, whatever its extension; `null` if unknown. */
	format: Format | null;
}

/** Options of `verifyImages`. */
export interface VerifyOptions {
	/**
	 * How much of a file is verified: `"full"` decodes all pixels. `"container"` decodes none; it follows the structure of the file
	 * from its signature to the end of the image: a first pass, which finds truncated and foreign files and misses pixels that do
	 * not decode. What the full decode passes, it passes too, but for a TIFF whose tags are damaged. Default `"full"`.
	 */
	check?: "full" | "container";
}

/**
 * Verifies images by decoding them in full, many at a time.
 *
 * A file passes if and only if training can read it, in each `colorMode`: TensorFlow decodes JPEG, PNG, GIF, BMP and plain
 * WebP; sharp decodes AVIF, TIFF and WebP with transparency or several frames; `raw.ts` decodes BMP with a colour table.
 * With `check: "container"` training may fail on a file that passes.
 *
 * @param paths read as needed: a million need no memory
 * @returns a result for each file, in no particular order
 */
export async function* verifyImages(
	paths: Iterable<string> | AsyncIterable<string>,
	{ check = "full" }: VerifyOptions = {},
): Results {
	let previous: Results | undefined;
	for await (const chunk of inChunks(paths, 512)) {
		const inspected = chunk.map((path) => inspect(path, check));
		if (check === "container") {
			yield* inspected;
			continue;
		}
		// While a chunk is decoded, the headers of the next are read.
		const started = verifyChunk(inspected);
		if (previous) yield* previous;
		previous = started;
	}
	if (previous) yield* previous;
}

type Results = AsyncGenerator<Verified, void, undefined>;

/** Starts to decode the files whose header is valid. */
function verifyChunk(files: Verified[]): Results {
	const readable = files.filter(({ reason }) => !reason) as Readable[];
	const isJpeg = ({ format }: Readable) => format.name === "JPEG";
	const alone = readable.filter(({ format }) => format.decoder !== "TensorFlow");
	const byTensorFlow = readable.filter(({ format }) => format.decoder === "TensorFlow");
	const others = byTensorFlow.filter((file) => !isJpeg(file));
	const started = [verifyInGraph(byTensorFlow.filter(isJpeg), JPEG), verifyInGraph(others, OTHERS)];
	return (async function* () {
		yield* files.filter(({ reason }) => reason);
		for (const results of started) yield* results;
		for await (const chunk of inChunks(alone, 8)) yield* await Promise.all(chunk.map(verifyAlone));
	})();
}

/**
 * Verifies one image by decoding it in full.
 *
 * @param options see `VerifyOptions`
 * @returns `null` if training can read it, or else the reason
 */
export async function verifyImage(
	path: string,
	options?: VerifyOptions,
): Promise<{ reason: Reason; detail: string } | null> {
	for await (const { reason, detail } of verifyImages([path], options)) return reason && { reason, detail };
	return null;
}

/** A file with a valid header. */
type Readable = Verified & { format: Format; reason: null };

/** Verifies what a file shows without decoding: its header, and with the check `"container"` its structure. */
function inspect(path: string, check: VerifyOptions["check"]): Verified {
	const result = (reason: Reason | null, detail: string, format: Format | null = null): Verified => ({
		path,
		reason,
		detail,
		format,
	});
	try {
		const file = statSync(path);
		// Reading a pipe would wait forever.
		if (!file.isFile()) return result("unreadable", "not a regular file");
		if (file.size === 0) return result("empty", "0 bytes");
		if (file.size > MAX_FILE_BYTES) return result("too large", `${file.size} bytes`);
		const { format, size, isWhole } = inspectFile(path, (format, read) => ({
			format,
			size: format && sizeOf(format, read, path),
			isWhole: check === "full" || !format?.decoder || isWholeContainer(format, read, file.size),
		}));
		if (!format) return result("not an image", "the start of no known format");
		if (!format.decoder) return result("unsupported format", `${format.name}: training cannot read it`, format);
		if (size && size.pixels > MAX_PIXELS)
			return result("too large", `claims ${size.width} × ${size.height} pixels`, format);
		if (!size && format.decoder === "TensorFlow") return { path, ...diagnose(path, format, "no size"), format };
		if (!isWhole) return { path, ...diagnose(path, format, "its structure is damaged"), format };
		return result(null, "", format);
	} catch (error) {
		return result("unreadable", whyUnreadable(error as NodeJS.ErrnoException));
	}
}

const sizeNode = node("size", "Shape", ["decoded:image:0"], {
	T: { type: DType.uint8 },
	out_type: { type: DType.int32 },
});
const toSize = { output: "size:output:0", dtype: DType.int32, shape: [3] };
const JPEG: FileFunction = { nodes: [...decodeSmallJpegNodes(8), sizeNode], ...toSize };
const OTHERS: FileFunction = { nodes: [...decodeNodes(3), sizeNode], ...toSize };

/** Starts at once, unlike a generator, which starts when its first result is requested. */
function verifyInGraph(files: Readable[], decode: FileFunction): Results {
	const paths = files.map(({ path }) => path);
	const decoded = files.length > 0 ? mapFilesInOrder(paths, decode, { chunk: 32, ahead: 16 }) : null;
	decoded?.begin();
	return (async function* () {
		try {
			for (const file of files) yield decoded?.next() ? file : await verifyAlone(file);
		} finally {
			decoded?.stop();
		}
	})();
}

/** Decodes one file, for the reason when it fails. */
async function verifyAlone(file: Readable): Promise<Verified> {
	const { path, format } = file;
	try {
		const bytes = await readRegularFile(path);
		const unsupported = unsupportedContent(format, bytes);
		if (unsupported)
			return {
				...file,
				reason: "unsupported format",
				detail: `${format.name} of ${unsupported}: training cannot read it`,
			};
		if (format.decoder === "sharp") {
			const { width, height } = await openBySharp(format, bytes, false).metadata();
			if (width * height > MAX_PIXELS)
				return { ...file, reason: "too large", detail: `claims ${width} × ${height} pixels` };
		}
		(await decodeImage(path, bytes, 3)).dispose();
		return file;
	} catch (error) {
		const { message, cause = message } = error as Error;
		return { ...file, ...diagnose(path, format, String(cause)) };
	}
}

/**
 * Returns why a file with a valid header does not decode. The decoder's message does not decide that: sharp's threads share
 * one buffer for messages, which can hold another file's.
 */
function diagnose(path: string, { name }: Format, detail: string): { reason: Reason; detail: string } {
	try {
		const truncated = isTruncated(name, readFileSync(path));
		if (truncated) return { reason: "truncated", detail: `the end of the ${name} is missing` };
		return { reason: "damaged data", detail };
	} catch (error) {
		return { reason: "unreadable", detail: whyUnreadable(error as NodeJS.ErrnoException) };
	}
}

/** @throws the error when the system is out of file descriptors or memory, which is not the file's fault */
function whyUnreadable(error: NodeJS.ErrnoException): string {
	if (["EMFILE", "ENFILE", "ENOMEM"].includes(error.code ?? "")) throw error;
	return error.message;
}

function isTruncated(format: string, bytes: Buffer): boolean {
	const end = ENDS[format];
	// A few bytes after the end marker are common.
	if (end) return !bytes.subarray(-64).includes(end);
	if (bytes.length < 16) return true;
	if (format === "WebP") return bytes.readUInt32LE(4) + 8 > bytes.length;
	if (format === "BMP") return bytes.readUInt32LE(2) > bytes.length;
	return false;
}

/** The end markers of formats. */
const ENDS: Record<string, Buffer> = {
	JPEG: Buffer.from([0xff, 0xd9]),
	PNG: Buffer.from("IEND"),
	GIF: Buffer.from(";"),
};
