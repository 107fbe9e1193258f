// Draws the bare surface: textures of several materials, joints, stains.
import { addNoise, clamp, drawPaths, eachPixel, ease } from "./sample-canvas.mjs";

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {import("./sample-canvas.mjs").Canvas} Canvas */
/** @typedef {import("./sample-canvas.mjs").Point} Point */

/**
 * Amounts of noise, from blotches that fill a third of the image to single grains, by material.
 *
 * @type {{ amounts: number[], grain?: number, streaks?: number }[]}
 */
const MATERIALS = [
	// Concrete, as it is most often.
	{ amounts: [0.1, 0.07, 0.05, 0.05, 0.06] },
	{ amounts: [0.1, 0.07, 0.05, 0.05, 0.06] },
	// Plaster.
	{ amounts: [0.06, 0.04, 0.02, 0.02, 0.02] },
	// Asphalt and washed concrete: coarse grains.
	{ amounts: [0.06, 0.05, 0.05, 0.09, 0.1], grain: 1.3 },
	// Concrete cast against boards, or brushed.
	{ amounts: [0.08, 0.05, 0.04, 0.03, 0.05], streaks: 0.07 },
];
const SIZES = [22, 9, 4, 1.8, 0.7];

/**
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function drawSurface(canvas, random) {
	drawTexture(canvas, random);
	drawJoints(canvas, random);
	drawStains(canvas, random);
}

/**
 * Draws the noise of a material.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawTexture(canvas, random) {
	const { light, warmth, unit } = canvas;
	const { amounts, grain = 1, streaks } = random.pick(MATERIALS);
	const roughness = random.between(0.5, 1.3);
	amounts.forEach((amount, i) => {
		addNoise(canvas, light, Math.max(1, SIZES[i] * unit * (i < 3 ? 1 : grain)), amount * roughness, random);
	});
	if (streaks) {
		const [long, thin] = [random.between(30, 90) * unit, random.between(0.8, 3) * unit];
		addNoise(canvas, light, random.chance(0.5) ? [long, thin] : [thin, long], streaks * roughness, random);
	}
	addNoise(canvas, warmth, 20 * unit, random.between(0, 0.03), random);
	drawPores(canvas, random);
}

/**
 * Draws the small holes that air bubbles leave in concrete.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawPores(canvas, random) {
	const pores = Array.from({ length: random.integer(0, 40) }, () => {
		const [x, y] = [random.next() * canvas.width, random.next() * canvas.height];
		const radius = random.between(0.1, 0.5) * canvas.unit;
		// A path needs two points: this one is about as long as it is wide.
		return [0, radius / 2].map((offset) => ({ x: x + offset, y: y + offset, radius }));
	});
	drawPaths(canvas, pores, random.between(0.1, 0.5));
}

/**
 * Draws grooves: the grid between tiles, or one or two lines where concrete was cast in parts; straight, or a little
 * uneven as between hewn stones.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawJoints(canvas, random) {
	const { width, height, unit } = canvas;
	const tiled = random.chance(0.3);
	if (!tiled && random.chance(0.65)) return;
	const tilt = random.chance(0.3) ? random.between(0, Math.PI) : 0.06 * random.bell();
	const spacing = (tiled ? random.between(18, 50) : random.between(50, 100)) * unit;
	const depth = random.between(0.1, 0.3) * (random.chance(0.3) ? -0.7 : 1);
	const radius = random.between(0.25, 0.6) * unit;
	const unevenness = random.chance(0.35) ? random.between(0.1, 0.45) * unit : 0;
	const reach = width + height;
	const [centreX, centreY] = [random.next() * width, random.next() * height];
	/** @type {Point[][]} */
	const lines = [];
	for (const angle of tiled ? [tilt, tilt + Math.PI / 2] : [tilt + (random.integer(0, 1) * Math.PI) / 2]) {
		const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
		for (let offset = -Math.ceil(reach / spacing) * spacing; offset <= reach; offset += spacing) {
			const [x, y] = [centreX - sin * offset, centreY + cos * offset];
			const count = unevenness ? Math.ceil(reach / unit) : 2;
			const line = Array.from({ length: count }, (_, i) => {
				const along = reach * ((2 * i) / (count - 1) - 1);
				const aside = unevenness && unevenness * random.bell();
				return { x: x + along * cos - aside * sin, y: y + along * sin + aside * cos, radius };
			});
			lines.push(line);
		}
	}
	drawPaths(canvas, lines, depth);
}

/**
 * Draws patches of damp, oil or rust with a frayed edge, soft or sharp.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawStains(canvas, random) {
	const { width, height, unit, light, warmth } = canvas;
	for (let count = random.integer(0, 3); count > 0; count--) {
		const [x0, y0] = [random.next() * width, random.next() * height];
		const [scaleX, scaleY] = [random.between(5, 25) * unit, random.between(5, 25) * unit];
		const [depth, rust] = [random.between(-0.08, 0.25), random.between(0, 0.08)];
		const sharpness = random.chance(0.3) ? random.between(2, 6) : 1;
		const edge = new Float32Array(light.length);
		addNoise(canvas, edge, 5 * unit, 0.5, random);
		eachPixel(canvas, (index, x, y) => {
			const [u, v] = [(x - x0) / scaleX, (y - y0) / scaleY];
			const strength = ease(clamp(sharpness * (1 - u * u - v * v + edge[index]), 0, 1));
			light[index] *= 1 - depth * strength;
			warmth[index] += rust * strength;
		});
	}
}
