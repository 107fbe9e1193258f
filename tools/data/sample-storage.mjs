// Stores drawn images as cameras and programs do, alters copies, and breaks files.
import { randomFrom } from "./sample-random.mjs";

/** @typedef {ReturnType<typeof storageOf>} Storage */

/**
 * How an image is stored: mostly plain colour JPEG, now and then something else that readers must cope with.
 *
 * @param {string} key seeds the random numbers
 */
export function storageOf(key) {
	const random = randomFrom(`${key}/storage`);
	return {
		format: random.chance(0.03) ? "png" : "jpg",
		quality: random.chance(0.15) ? random.integer(20, 45) : random.integer(60, 92),
		progressive: random.chance(0.05),
		gray: random.chance(0.04),
		orientation: random.chance(0.04) ? random.pick([3, 6, 8]) : undefined,
		defocus: random.chance(0.35) ? random.between(0.4, 1.3) : 0,
	};
}

/**
 * @param {import("sharp").Sharp} image
 * @param {Storage} storage
 * @returns {Promise<Buffer>}
 */
export function encode(image, { format, quality, progressive, gray, orientation, defocus }) {
	if (defocus) image = image.blur(defocus);
	if (gray) image = image.toColourspace("b-w");
	if (orientation) image = image.withMetadata({ orientation });
	return (format === "png" ? image.png() : image.jpeg({ quality, progressive })).toBuffer();
}

/**
 * The size of images that get out of focus. In other proportions the border, which cleanvision takes for edges, weighs more.
 *
 * @type {[width: number, height: number]}
 */
export const BLURRED = [180, 135];

/** Light that fades from left to right: cleanvision calls an image blurry only if it uses many grey levels evenly. */
const DUSK = Buffer.from(
	`<svg width="${BLURRED[0]}" height="${BLURRED[1]}"><linearGradient id="g"><stop stop-color="white"/>` +
		'<stop offset="1" stop-color="#1a1a1a"/></linearGradient><rect width="100%" height="100%" fill="url(#g)"/></svg>',
);

/** What becomes of a stored image that is read and saved again as JPEG. */
export const alterations = {
	"saved again with lower quality": { quality: 35, change: same },
	resized: { quality: 88, change: (/** @type {Sharp} */ image) => image.resize(96, 96, { fit: "inside" }) },
	mirrored: { quality: 88, change: (/** @type {Sharp} */ image) => image.flop() },
	brightened: { quality: 88, change: (/** @type {Sharp} */ image) => image.linear(1.12, 10) },
	"near black": { quality: 88, change: (/** @type {Sharp} */ image) => image.linear(0.2, 0) },
	overexposed: { quality: 88, change: (/** @type {Sharp} */ image) => image.linear(2.5, 175) },
	"out of focus": {
		quality: 88,
		change: (/** @type {Sharp} */ image) => image.blur(6).composite([{ input: DUSK, blend: "multiply" }]),
	},
	"lens cap on": { quality: 88, change: (/** @type {Sharp} */ image) => image.linear(0.01, 2) },
	"a single grey": { quality: 88, change: (/** @type {Sharp} */ image) => image.linear(0, 128) },
};
/** @typedef {import("sharp").Sharp} Sharp */

/** @param {Sharp} image */
function same(image) {
	return image;
}

/** The ways a file can be broken; each gets a good file's bytes. */
export const damages = {
	"cut off after 70 %": (/** @type {Buffer} */ bytes) => bytes.subarray(0, bytes.length * 0.7),
	"cut off after 30 %": (/** @type {Buffer} */ bytes) => bytes.subarray(0, bytes.length * 0.3),
	empty: () => Buffer.alloc(0),
	"plain text": () => Buffer.from("Picture 0233 was not exported: the camera was offline.\n"),
	"an HTML page": () => Buffer.from("<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"),
	"first 16 bytes overwritten": (/** @type {Buffer} */ bytes) =>
		Buffer.concat([Buffer.alloc(16, 0x2e), bytes.subarray(16)]),
};
