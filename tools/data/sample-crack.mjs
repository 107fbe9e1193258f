// Draws cracks of the sample data set, from wide ones through the whole image to hairlines that nobody sees.
import { clamp, drawPaths, entry } from "./sample-canvas.mjs";

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {import("./sample-canvas.mjs").Canvas} Canvas */
/** @typedef {import("./sample-canvas.mjs").Point} Point */
/** @typedef {{ x: number, y: number, heading: number, steps: number, radius: number, branching: number }} CrackStart */

/**
 * Walks at random, roughly in one direction, widens and narrows, thins out and sends off branches.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 * @param {CrackStart} start
 * @returns {Point[][]}
 */
export function crackPaths(canvas, random, start) {
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
 * Draws a crack.
 *
 * `severity` sets width and depth, and both vary around it, so that difficulty is continuous: probabilities of a model
 * mean something only where some images are hard, for the eye too.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 * @param {number} severity 0, next to invisible, to 1, wide and dark
 */
export function drawCrack(canvas, random, severity) {
	const { width, height, unit } = canvas;
	const radius = clamp(0.2 + 0.8 * severity + 0.12 * random.bell(), 0.15, 1.1) * unit;
	const depth = clamp(0.08 + 0.78 * severity + 0.08 * random.bell(), 0.05, 0.88);
	const inside = () => ({ x: width * random.between(0.25, 0.75), y: height * random.between(0.25, 0.75) });
	const kind = random.next();
	/** @type {CrackStart[]} */
	let starts;
	if (kind < 0.75) {
		// Both ways from a point near the middle.
		const heading = random.between(0, 2 * Math.PI);
		const from = { ...inside(), radius, branching: 0.04 };
		starts = [0, Math.PI].map((turn) => ({ ...from, heading: heading + turn, steps: random.integer(20, 50) }));
	} else if (kind < 0.9) {
		// From an edge inwards, and no further than half of the image.
		starts = [{ ...entry(canvas, random), steps: random.integer(18, 40), radius, branching: 0.03 }];
	} else {
		// Several thin ones from one point, as after a blow.
		const from = { ...inside(), radius: 0.8 * radius, branching: 0.05 };
		const first = random.between(0, 2 * Math.PI);
		const count = random.integer(3, 5);
		starts = Array.from({ length: count }, (_, i) => ({
			...from,
			heading: first + ((i + random.between(-0.3, 0.3)) * 2 * Math.PI) / count,
			steps: random.integer(12, 28),
		}));
	}
	drawPaths(
		canvas,
		starts.flatMap((start) => crackPaths(canvas, random, start)),
		depth,
	);
}
