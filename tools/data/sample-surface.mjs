// Draws a surface of concrete or tiles, with or without a crack.
import sharp from "sharp";
import { addNoise, clamp, drawPaths, eachPixel, ease, newCanvas } from "./sample-canvas.mjs";

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {import("./sample-canvas.mjs").Canvas} Canvas */
/** @typedef {import("./sample-canvas.mjs").Point} Point */
/** @typedef {{ x: number, y: number, heading: number, steps: number, radius: number, branching: number }} CrackStart */

/**
 * Draws the surface, layer by layer.
 *
 * @param {Random} random
 * @param {boolean} cracked
 */
export function drawSurface(random, cracked) {
	const canvas = newCanvas(random);
	drawTexture(canvas, random);
	drawJoints(canvas, random);
	drawStains(canvas, random);
	drawScratches(canvas, random);
	if (cracked) drawCrack(canvas, random);
	drawLighting(canvas, random);
	const { width, height } = canvas;
	return sharp(develop(canvas, random), { raw: { width, height, channels: 3 } });
}

/**
 * Draws noise of several sizes, from blotches that fill a third of the image to single grains.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawTexture(canvas, random) {
	const { light, warmth, unit } = canvas;
	const roughness = random.between(0.5, 1.3);
	const sizes = [22, 9, 4, 1.8, 0.7];
	const amounts = [0.1, 0.07, 0.05, 0.05, 0.06];
	sizes.forEach((size, i) => {
		addNoise(canvas, light, Math.max(1, size * unit), amounts[i] * roughness, random);
	});
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
		const radius = random.between(0.1, 0.45) * canvas.unit;
		// A path needs two points: this one is about as long as it is wide.
		return [0, radius / 2].map((offset) => ({ x: x + offset, y: y + offset, radius }));
	});
	drawPaths(canvas, pores, random.between(0.1, 0.45));
}

/**
 * Draws straight grooves: the grid between tiles, or one or two lines where concrete was cast in parts.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawJoints(canvas, random) {
	const { width, height, unit } = canvas;
	const tiled = random.chance(0.4);
	if (!tiled && random.chance(0.6)) return;
	const tilt = random.chance(0.3) ? random.between(0, Math.PI) : 0.06 * random.bell();
	const spacing = (tiled ? random.between(18, 50) : random.between(50, 100)) * unit;
	const depth = random.between(0.12, 0.35) * (random.chance(0.3) ? -0.7 : 1);
	const radius = random.between(0.25, 0.6) * unit;
	const reach = width + height;
	const [centreX, centreY] = [random.next() * width, random.next() * height];
	/** @type {Point[][]} */
	const lines = [];
	for (const angle of tiled ? [tilt, tilt + Math.PI / 2] : [tilt + (random.integer(0, 1) * Math.PI) / 2]) {
		const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
		for (let offset = -Math.ceil(reach / spacing) * spacing; offset <= reach; offset += spacing) {
			const [x, y] = [centreX - sin * offset, centreY + cos * offset];
			lines.push([-1, 1].map((end) => ({ x: x + end * cos * reach, y: y + end * sin * reach, radius })));
		}
	}
	drawPaths(canvas, lines, depth);
}

/**
 * Draws patches of damp, oil or rust with a frayed edge.
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
		const edge = new Float32Array(light.length);
		addNoise(canvas, edge, 5 * unit, 0.5, random);
		eachPixel(canvas, (index, x, y) => {
			const [u, v] = [(x - x0) / scaleX, (y - y0) / scaleY];
			const strength = ease(clamp(1 - u * u - v * v + edge[index], 0, 1));
			light[index] *= 1 - depth * strength;
			warmth[index] += rust * strength;
		});
	}
}

/**
 * Draws hair-like scratches, light or dark: as thin as faint cracks, but smooth and single.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawScratches(canvas, random) {
	const { width, height, unit } = canvas;
	for (let count = random.integer(0, 4); count > 0; count--) {
		let [x, y] = [random.next() * width, random.next() * height];
		let heading = random.between(0, 2 * Math.PI);
		const bend = 0.04 * random.bell();
		const radius = random.between(0.08, 0.2) * unit;
		const path = Array.from({ length: random.integer(8, 40) }, () => {
			heading += bend;
			x += Math.cos(heading) * unit;
			y += Math.sin(heading) * unit;
			return { x, y, radius };
		});
		drawPaths(canvas, [path], random.sign() * random.between(0.1, 0.3));
	}
}

/**
 * Walks at random, roughly in one direction, widens and narrows, thins out and sends off branches.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 * @param {CrackStart} start
 * @returns {Point[][]}
 */
function crackPaths(canvas, random, start) {
	const { unit } = canvas;
	let { x, y, heading } = start;
	let jitter = 0;
	let swelling = 1;
	/** @type {Point[]} */
	const path = [];
	/** @type {CrackStart[]} */
	const branches = [];
	for (let step = 0; step < start.steps; step++) {
		jitter = 0.65 * jitter + 0.45 * random.bell();
		heading += 0.05 * random.bell();
		swelling = clamp(swelling + 0.2 * random.bell(), 0.5, 1.5);
		const thinning = 1 - 0.7 * (step / start.steps) ** 2;
		path.push({ x, y, radius: start.radius * swelling * thinning });
		x += Math.cos(heading + jitter) * unit;
		y += Math.sin(heading + jitter) * unit;
		if (start.steps - step > 8 && random.chance(start.branching)) {
			branches.push({
				x,
				y,
				heading: heading + random.sign() * random.between(0.4, 1.1),
				steps: Math.round((start.steps - step) * random.between(0.3, 0.8)),
				radius: start.radius * thinning * random.between(0.5, 0.8),
				branching: start.branching / 2,
			});
		}
	}
	return [path, ...branches.flatMap((branch) => crackPaths(canvas, random, branch))];
}

/**
 * Draws a crack both ways from a point near the middle, so that most of it is in the image.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawCrack(canvas, random) {
	const { width, height, unit } = canvas;
	const [x, y] = [width * random.between(0.3, 0.7), height * random.between(0.3, 0.7)];
	const heading = random.between(0, 2 * Math.PI);
	const radius = random.between(0.6, 1) * unit;
	// The ranges of radius and depth set how hard the task is: wide and dark enough for a small network to learn in a
	// few passes, and a few cracks next to invisible, for the eye too, because no model should be right every time.
	const depth = random.chance(0.06) ? random.between(0.06, 0.16) : random.between(0.6, 0.85);
	const paths = [heading, heading + Math.PI].flatMap((direction) => {
		const steps = random.integer(22, 50);
		return crackPaths(canvas, random, { x, y, heading: direction, steps, radius, branching: 0.04 });
	});
	drawPaths(canvas, paths, depth);
}

/**
 * Adds light from one side, and now and then the soft edge of a shadow.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawLighting(canvas, random) {
	const { width, height, unit, light } = canvas;
	const slope = random.between(0, 0.3);
	const shadow = random.chance(0.35) ? random.between(0.1, 0.35) : 0;
	const [slopeAngle, shadowAngle] = [random.between(0, 2 * Math.PI), random.between(0, 2 * Math.PI)];
	const [slopeX, slopeY] = [(slope * Math.cos(slopeAngle)) / width, (slope * Math.sin(slopeAngle)) / height];
	const [shadowX, shadowY] = [Math.cos(shadowAngle), Math.sin(shadowAngle)];
	const [x0, y0] = [width * random.between(0.2, 0.8), height * random.between(0.2, 0.8)];
	const softness = random.between(3, 15) * unit;
	eachPixel(canvas, (index, x, y) => {
		const shade = ease(clamp(((x - x0) * shadowX + (y - y0) * shadowY) / softness + 0.5, 0, 1));
		light[index] *= (1 + slopeX * (x - width / 2) + slopeY * (y - height / 2)) * (1 - shadow * shade);
	});
}

/**
 * Turns the planes into RGB bytes, with the colour of the surface and the noise of the camera.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function develop(canvas, random) {
	const { light, warmth } = canvas;
	const brightness = random.between(110, 190);
	const [tint, green] = [random.between(-0.05, 0.1), random.between(-0.02, 0.02)];
	const noise = random.between(0.5, 5);
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
