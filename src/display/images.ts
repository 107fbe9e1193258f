// Image grids with captions.
import sharp from "sharp";
import type { CaptionedImage } from "../images/decode";
import type { Bundle } from "../support/kernel";
import { html, printable } from "../support/text";
import { encodedImage } from "./image-url";
import { show } from "./show";

/**
 * Shows a grid of images with captions. Files that cannot be read are shown as an empty frame.
 *
 * @param images image files, or tensors `[height, width, channels]` in 0–255
 * @param options `columns`: number of images per row, default 6; `size`: longer side in pixels, default 112
 */
export async function showImages(
	images: CaptionedImage[],
	options: { columns?: number; size?: number } = {},
): Promise<void> {
	show(await imagesBundle(images, options));
}

/** Returns a grid of images as a MIME bundle, see `showImages`. */
export async function imagesBundle(images: CaptionedImage[], { columns = 6, size = 112 } = {}): Promise<Bundle> {
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
	return {
		"text/html": String(html`<div class="mathjax_ignore" style="${grid}">${figures}</div>`),
		"text/plain": images.map(({ caption }, i) => `[image ${i + 1}] ${printable(caption ?? "")}`).join("\n"),
	};
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
	return encodedImage(image, (opened) => opened.resize(fit).png().toBuffer()).catch(() => null);
}
