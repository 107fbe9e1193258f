// Decodes files in full and says why one is unusable.
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { decodeImage } from "../images/decode";
import { decodeNodes, decodeSmallJpegNodes } from "../images/decode-graph";
import { type Format, MAX_PIXELS, readHead } from "../images/formats";
import { inChunks } from "../support/iteration";
import { DType } from "../tensorflow/backend";
import { type FileFunction, mapFilesInOrder } from "../tensorflow/file-map";
import { node } from "../tensorflow/graphdef";

/**
 * Why a file cannot be used for training:
 *
 * - `"empty"`: it has no bytes;
 * - `"truncated"`: its end is missing;
 * - `"not an image"`: it does not begin as any known image does;
 * - `"damaged data"`: it begins well and has its end, but does not decode;
 * - `"unsupported format"`: an image, of a format that training passes over, such as HEIC or ICO;
 * - `"too large"`: it claims more than `MAX_PIXELS`, and was not decoded;
 * - `"unreadable"`: the system does not let it be read, or it is no file.
 */
export type Reason =
	| "empty"
	| "truncated"
	| "not an image"
	| "damaged data"
	| "unsupported format"
	| "too large"
	| "unreadable";

/** What came of a file. */
export interface Verified {
	path: string;
	/** `null` if training can use it. */
	reason: Reason | null;
	/** What the decoder or the system said. */
	detail: string;
	/** The format of its content, whatever its ending says; `null` if it is none that is known. */
	format: Format | null;
}

/**
 * Decodes images in full, as training will, many at a time.
 *
 * A file passes if and only if training can read it: TensorFlow decodes JPEG, PNG, GIF, BMP and plain WebP; sharp AVIF,
 * TIFF and WebP with transparency or frames. The files' order is not kept.
 *
 * @param paths are taken as they are needed, so that a million of them need no memory
 */
export async function* verifyImages(paths: Iterable<string> | AsyncIterable<string>): Results {
	let before: Results | undefined;
	for await (const some of inChunks(paths, 512)) {
		// While these are decoded, the heads of the next are read.
		const begun = verifyPiece(some.map(inspectHead));
		if (before) yield* before;
		before = begun;
	}
	if (before) yield* before;
}

type Results = AsyncGenerator<Verified, void, undefined>;

function verifyPiece(files: Verified[]): Results {
	const good = files.filter(({ reason }) => !reason) as Readable[];
	const isJpeg = ({ format }: Readable) => format.name === "JPEG";
	const bySharp = good.filter(({ format }) => format.decoder === "sharp");
	const native = good.filter(({ format }) => format.decoder === "TensorFlow");
	const begun = [
		verifyInGraph(native.filter(isJpeg), JPEG),
		verifyInGraph(
			native.filter((file) => !isJpeg(file)),
			OTHERS,
		),
	];
	return (async function* () {
		yield* files.filter(({ reason }) => reason);
		for (const results of begun) yield* results;
		for await (const some of inChunks(bySharp, 8)) yield* await Promise.all(some.map(verifyAlone));
	})();
}

/**
 * Decodes an image in full, as training will.
 *
 * @returns `null` if it can be used, or else why not
 */
export async function verifyImage(path: string): Promise<{ reason: Reason; detail: string } | null> {
	for await (const { reason, detail } of verifyImages([path])) return reason && { reason, detail };
	return null;
}

/** A file whose head was read and is in order. */
type Readable = Verified & { format: Format; reason: null };

/** Rules out what can be ruled out without decoding. */
function inspectHead(path: string): Verified {
	const is = (reason: Reason | null, detail: string, format: Format | null = null) => ({
		path,
		reason,
		detail,
		format,
	});
	try {
		const file = statSync(path);
		// Without this check a pipe would be waited for, forever.
		if (!file.isFile()) return is("unreadable", "not a regular file");
		if (file.size === 0) return is("empty", "0 bytes");
		const { format, size } = readHead(path);
		if (!format) return is("not an image", "the start of no known format");
		if (!format.decoder) return is("unsupported format", `${format.name}: training cannot read it`, format);
		if (size && size.pixels > MAX_PIXELS)
			return is("too large", `claims ${size.width} × ${size.height} pixels`, format);
		if (!size && format.decoder === "TensorFlow") return { path, ...explain(path, format, "no size"), format };
		return is(null, "", format);
	} catch (error) {
		return is("unreadable", whyUnreadable(error as NodeJS.ErrnoException));
	}
}

const sizeNode = node("size", "Shape", ["decoded:image:0"], {
	T: { type: DType.uint8 },
	out_type: { type: DType.int32 },
});
const toSize = { output: "size:output:0", dtype: DType.int32, shape: [3] };
const JPEG: FileFunction = { nodes: [...decodeSmallJpegNodes(8), sizeNode], ...toSize };
const OTHERS: FileFunction = { nodes: [...decodeNodes(3), sizeNode], ...toSize };

/** Begins at once, and not only when the first result is asked for. */
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

/** Decodes a file by itself, to learn what is wrong with it. */
async function verifyAlone(file: Readable): Promise<Verified> {
	const { path, format } = file;
	try {
		const bytes = await readFile(path);
		if (format.decoder === "sharp") {
			const { width, height } = await sharp(bytes).metadata();
			if (width * height > MAX_PIXELS)
				return { ...file, reason: "too large", detail: `claims ${width} × ${height} pixels` };
		}
		(await decodeImage(path, bytes, 3)).dispose();
		return file;
	} catch (error) {
		const { message, cause = message } = error as Error;
		return { ...file, ...explain(path, format, String(cause)) };
	}
}

/**
 * Says what is wrong with a file that begins well. The decoder's words do not decide: sharp takes them from a place that
 * all its threads write to.
 */
function explain(path: string, { name }: Format, detail: string): { reason: Reason; detail: string } {
	try {
		const truncated = isTruncated(name, readFileSync(path));
		if (truncated) return { reason: "truncated", detail: `the end of the ${name} is missing` };
		return { reason: "damaged data", detail };
	} catch (error) {
		return { reason: "unreadable", detail: whyUnreadable(error as NodeJS.ErrnoException) };
	}
}

/** @throws when it is not the file's fault */
function whyUnreadable(error: NodeJS.ErrnoException): string {
	if (["EMFILE", "ENFILE", "ENOMEM"].includes(error.code ?? "")) throw error;
	return error.message;
}

function isTruncated(format: string, bytes: Buffer): boolean {
	const end = ENDS[format];
	// A few bytes after the end mark are common.
	if (end) return !bytes.subarray(-64).includes(end);
	if (bytes.length < 16) return true;
	if (format === "WebP") return bytes.readUInt32LE(4) + 8 > bytes.length;
	if (format === "BMP") return bytes.readUInt32LE(2) > bytes.length;
	return false;
}

/** What stands at the end of a file. */
const ENDS: Record<string, Buffer> = {
	JPEG: Buffer.from([0xff, 0xd9]),
	PNG: Buffer.from("IEND"),
	GIF: Buffer.from(";"),
};
