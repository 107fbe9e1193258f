// Photographs a drawn surface: light and shadow, a moved or defocused camera, exposure, colour and noise.
import { clamp, eachPixel, ease } from "./sample-canvas.mjs";

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {import("./sample-canvas.mjs").Canvas} Canvas */

/**
 * Adds light from one side, and now and then a shadow with a soft or sharp edge.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function drawLighting(canvas, random) {
	const { width, height, unit, light } = canvas;
	const slope = random.between(0, 0.3);
	const shadow = random.chance(0.4) ? random.between(0.1, 0.35) : 0;
	const [slopeAngle, shadowAngle] = [random.between(0, 2 * Math.PI), random.between(0, 2 * Math.PI)];
	const [slopeX, slopeY] = [(slope * Math.cos(slopeAngle)) / width, (slope * Math.sin(slopeAngle)) / height];
	const [shadowX, shadowY] = [Math.cos(shadowAngle), Math.sin(shadowAngle)];
	const [x0, y0] = [width * random.between(0.2, 0.8), height * random.between(0.2, 0.8)];
	const softness = (random.chance(0.4) ? random.between(0.5, 2) : random.between(3, 15)) * unit;
	eachPixel(canvas, (index, x, y) => {
		const shade = ease(clamp(((x - x0) * shadowX + (y - y0) * shadowY) / softness + 0.5, 0, 1));
		light[index] *= (1 + slopeX * (x - width / 2) + slopeY * (y - height / 2)) * (1 - shadow * shade);
	});
}

/**
 * Blurs along one direction in some images, as a camera does that moves.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function moveCamera(canvas, random) {
	if (!random.chance(0.15)) return;
	const { width, height, light, unit } = canvas;
	const [length, angle] = [random.between(0.8, 2.2) * unit, random.between(0, Math.PI)];
	const taps = Math.ceil(length) + 1;
	const source = light.slice();
	light.fill(0);
	for (let tap = 0; tap < taps; tap++) {
		const along = length * (tap / (taps - 1) - 0.5);
		const [offX, offY] = [Math.round(along * Math.cos(angle)), Math.round(along * Math.sin(angle))];
		eachPixel(canvas, (index, x, y) => {
			const [fromX, fromY] = [clamp(x + offX, 0, width - 1), clamp(y + offY, 0, height - 1)];
			light[index] += source[fromY * width + fromX] / taps;
		});
	}
}

/**
 * Turns the planes into RGB bytes, with the colour of the surface and the noise of the camera.
 *
 * The camera exposes for the mean, as cameras do: a crack must not be told by the brightness of its image.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function develop(canvas, random) {
	const { light, warmth } = canvas;
	const brightness = random.between(95, 175) / (light.reduce((sum, value) => sum + value) / light.length);
	const [tint, green] = [random.between(-0.05, 0.1), random.between(-0.02, 0.02)];
	const noise = random.between(0.5, 6);
	const pixels = new Uint8ClampedArray(3 * light.length);
	for (let i = 0; i < light.length; i++) {
		const level = brightness * light[i] + noise * random.bell();
		const warm = tint + warmth[i];
		pixels[3 * i] = level * (1 + warm);
		pixels[3 * i + 1] = level * (1 + green);
		pixels[3 * i + 2] = level * (1 - warm);
	}
	return pixels;
}
