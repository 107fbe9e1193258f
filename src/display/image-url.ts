// Image files as data URLs, for pages that cannot read them.
import sharp, { type Sharp } from "sharp";
import { decodeImage } from "../images/decode-bytes";
import { readRegularFile } from "../support/files";

/** An image for a page, or why there is none. */
export type ShownImage = { url: string; width: number; height: number } | { reason: string };

/** Pixels of the longer side up to which an image is kept without loss: enlarged, JPEG's blocks would be seen. */
const LOSSLESS = 128;

/**
 * Returns an image file as a data URL, PNG where it is small or transparent and else JPEG; the reason in one line where it
 * cannot be shown. It is upright, whatever training does with its orientation: a person looks at it.
 *
 * @param size greatest longer side in pixels; smaller images keep theirs
 */
export async function imageUrl(path: string, size: number): Promise<ShownImage> {
	try {
		let shown = { url: "", width: 0, height: 0 };
		await encodedImage(path, async (image) => {
			const { autoOrient, hasAlpha } = await image.metadata();
			const { width, height } = autoOrient;
			const isLossless = hasAlpha || Math.max(width, height) <= LOSSLESS;
			const fitted = image.autoOrient().resize({ width: size, height: size, fit: "inside", withoutEnlargement: true });
			const bytes = await (isLossless ? fitted.png() : fitted.jpeg({ quality: 88 })).toBuffer();
			const url = `data:image/${isLossless ? "png" : "jpeg"};base64,${bytes.toString("base64")}`;
			shown = { url, width, height };
			return bytes;
		});
		return shown;
	} catch (error) {
		return { reason: reasonOf(error as NodeJS.ErrnoException) };
	}
}

/**
 * Encodes an image file by sharp. A truncated image is taken as far as it can be decoded; one that sharp cannot decode, such
 * as BMP, as training reads it.
 *
 * @param encode resizes and encodes it
 * @throws when the file cannot be read or decoded
 */
export async function encodedImage(path: string, encode: (image: Sharp) => Promise<Buffer>): Promise<Buffer> {
	const bytes = await readRegularFile(path);
	// For an empty file sharp throws at once, not in its promise.
	if (bytes.length === 0) throw new Error(`${path} is empty`, { cause: "the file is empty" });
	return encode(sharp(bytes, { failOn: "none" })).catch(async () => {
		const pixels = await decodeImage(path, bytes, 3);
		const [height, width] = pixels.shape;
		const data = new Uint8Array(pixels.dataSync<"float32">());
		pixels.dispose();
		return encode(sharp(data, { raw: { width, height, channels: 3 } }));
	});
}

/** Returns why an image cannot be shown, without its path. */
function reasonOf({ code, message, cause }: NodeJS.ErrnoException): string {
	if (code === "ENOENT") return "there is no such file";
	if (code === "EACCES") return "the file may not be read";
	return typeof cause === "string" ? cause : message.split("\n")[0];
}
