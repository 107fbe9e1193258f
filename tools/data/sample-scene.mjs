// Draws one image of the sample data set, layer by layer.
import sharp from "sharp";
import { develop, drawLighting, moveCamera } from "./sample-camera.mjs";
import { newCanvas } from "./sample-canvas.mjs";
import { drawCrack } from "./sample-crack.mjs";
import { drawDecoys } from "./sample-decoys.mjs";
import { randomFrom } from "./sample-random.mjs";
import { drawSurface } from "./sample-surface.mjs";

/**
 * What to draw; nothing else has an influence.
 *
 * @typedef {object} Scene
 * @property {string} key seeds the random numbers
 * @property {boolean} cracked
 * @property {number} [severity] of the crack, 0–1; default: drawn
 * @property {[width: number, height: number]} [size] in pixels; default: drawn
 */

/**
 * Most cracks are clear, so that a small network learns in few passes; the others fade away to nothing.
 *
 * @param {import("./sample-random.mjs").Random} random
 */
const drawSeverity = (random) => (random.chance(0.1) ? random.between(0, 0.75) : random.between(0.75, 1));

/**
 * @param {Scene} scene
 * @returns {import("sharp").Sharp}
 */
export function drawScene({ key, cracked, severity, size }) {
	const random = randomFrom(key);
	const canvas = newCanvas(random, size);
	drawSurface(canvas, random);
	drawDecoys(canvas, random);
	if (cracked) drawCrack(canvas, random, severity ?? drawSeverity(random));
	drawLighting(canvas, random);
	moveCamera(canvas, random);
	const { width, height } = canvas;
	return sharp(develop(canvas, random), { raw: { width, height, channels: 3 } });
}
