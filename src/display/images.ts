// Image grids with captions.
import sharp from "sharp";
import type { CaptionedImage } from "../images/decode";
import { decodeImage } from "../images/decode-bytes";
import { readRegularFile } from "../support/files";
import { html, printable } from "../support/text";
import { show } from "./show";

/**
 * Shows a grid of images with captions. Files that cannot be read are shown as an empty frame.
 *
 * @param images image files, or tensors `[height, width, channels]` in 0–255
 * @param options `columns`: number of images per row, default 6; `size`: longer side in pixels, default 112
 */
export async function showImages(images: CaptionedImage[], { columns = 6, size = 112 } = {}): Promise<void> {
	const figures = await Promise.all(
		images.map(async ({ image, caption = "" }) => {
			const png = await thumbnail(image, size);
			const thumbnailHtml = png
				? html`<img src="data:image/png;base64,${png.toString("base64")}" alt="${caption}">`
				: html`<div style="height:${size}px;display:grid;place-items:center;border:1px dashed">no image</div>`;
			const text = html`<figcaption style="font-size:smaller;overflow-wrap:anywhere;white-space:pre-wrap">${caption}</figcaption>`;
			return html`<figure style="margin:0;text-align:center;break-inside:avoid">${thumbnailHtml}${text}</figure>`;
		}),
	);
	const grid = `display:grid;grid-template-columns:repeat(${columns},minmax(0,${size + 40}px));gap:12px;align-items:start`;
	show({
		"text/html": String(html`<div class="mathjax_ignore" style="${grid}">${figures}</div>`),
		"text/plain": images.map(({ caption }, i) => `[image ${i + 1}] ${printable(caption ?? "")}`).join("\n"),
	});
}

/** Returns a PNG whose longer side is `size`; null for a file that cannot be read. */
async function thumbnail(image: CaptionedImage["image"], size: number): Promise<Buffer | null> {
	const fit = { width: size, height: size, fit: "inside", withoutEnlargement: false } as const;
	if (typeof image !== "string") {
		const [height, width, channels] = image.shape as [number, number, 1 | 3 | 4];
		const pixels = Uint8Array.from(image.dataSync(), (value) => Math.max(0, Math.min(255, Math.round(value))));
		return sharp(pixels, { raw: { width, height, channels } })
			.resize({ ...fit, kernel: "nearest" })
			.png()
			.toBuffer();
	}
	const bytes = await readRegularFile(image).catch(() => null);
	if (!bytes?.length) return null;
	// A truncated image is shown as far as it can be decoded.
	const shown = sharp(bytes, { failOn: "none" }).resize(fit).png().toBuffer();
	return shown.catch(() => thumbnailAsRead(image, bytes, size));
}

/** Returns the thumbnail of an image that sharp cannot decode, such as BMP, as training reads it; null if it does not. */
async function thumbnailAsRead(path: string, bytes: Buffer, size: number): Promise<Buffer | null> {
	const pixels = await decodeImage(path, bytes, 3).catch(() => null);
	const png = pixels && (await thumbnail(pixels, size));
	pixels?.dispose();
	return png;
}
