// The brightness of a colour. Without Node's modules: the exported page uses it too.

/** Returns a grey level as Pillow's `convert("L")`, and as libjpeg of a JPEG in RGB. */
export const greyLevel = (red: number, green: number, blue: number) =>
	(19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
