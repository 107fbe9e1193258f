// The planes that an image of the sample data set is drawn on, and how they are marked.
//
// An image is drawn on two planes of floats, brightness and warmth. Lengths are in units of 1/64 of the shorter side,
// because a model that shrinks images to 64×64 sees nothing thinner.

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {ReturnType<typeof newCanvas>} Canvas */
/** @typedef {{ x: number, y: number, radius: number }} Point */

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => (value < low ? low : value > high ? high : value);
/**
 * 0 at 0, 1 at 1, level at both ends.
 *
 * @type {(t: number) => number}
 */
export const ease = (t) => t * t * (3 - 2 * t);

/**
 * A sheet of light 1, of a camera's usual sizes and proportions.
 *
 * @param {Random} random
 * @param {[width: number, height: number]} [size] default: drawn
 */
export function newCanvas(random, size) {
	const ratio = random.pick([1, 1.2, 4 / 3, 1.5, 1.75]);
	const usual = Math.round(random.between(120, Math.min(200, 260 / ratio)));
	const sides = [usual, Math.floor(usual * ratio)];
	const [width, height] = size ?? (random.chance(0.5) ? sides : sides.reverse());
	const short = Math.min(width, height);
	return {
		width,
		height,
		unit: short / 64,
		light: new Float32Array(width * height).fill(1),
		warmth: new Float32Array(width * height),
	};
}

/**
 * Calls `visit(index, x, y)` for every pixel.
 *
 * @param {Canvas} canvas
 * @param {(index: number, x: number, y: number) => void} visit
 */
export function eachPixel({ width, height }, visit) {
	for (let y = 0, index = 0; y < height; y++) {
		for (let x = 0; x < width; x++, index++) visit(index, x, y);
	}
}

/**
 * Adds value noise in -amount…amount: random heights on a lattice, `cell` pixels apart, with eased steps in between.
 *
 * @param {Canvas} canvas
 * @param {Float32Array} plane
 * @param {number | [across: number, down: number]} cell
 * @param {number} amount
 * @param {Random} random
 */
export function addNoise({ width, height }, plane, cell, amount, random) {
	const [across, down] = typeof cell === "number" ? [cell, cell] : cell;
	const columns = Math.ceil(width / across) + 2;
	const rows = Math.ceil(height / down) + 2;
	const lattice = Float32Array.from({ length: columns * rows }, () => random.between(-amount, amount));
	const weights = Float32Array.from({ length: width }, (_, x) => ease((x / across) % 1));
	const line = new Float32Array(columns);
	for (let y = 0; y < height; y++) {
		const above = Math.floor(y / down) * columns;
		const weight = ease((y / down) % 1);
		for (let i = 0; i < columns; i++) {
			line[i] = lattice[above + i] + weight * (lattice[above + columns + i] - lattice[above + i]);
		}
		for (let x = 0; x < width; x++) {
			const column = Math.floor(x / across);
			plane[y * width + x] += line[column] + weights[x] * (line[column + 1] - line[column]);
		}
	}
}

/**
 * Darkens (negative `depth`: lightens) along paths, once where they cross themselves.
 *
 * @param {Canvas} canvas
 * @param {Point[][]} paths
 * @param {number} depth
 */
export function drawPaths({ width, height, light }, paths, depth) {
	const cover = new Float32Array(width * height);
	for (const path of paths) {
		for (let i = 1; i < path.length; i++) coverSegment(cover, width, height, path[i - 1], path[i]);
	}
	for (let i = 0; i < cover.length; i++) light[i] *= 1 - depth * cover[i];
}

/**
 * Walks from a point in steps of one unit.
 *
 * @param {Canvas} canvas
 * @param {{ x: number, y: number, heading: number, steps: number, radius: number }} start
 * @param {(step: number) => number} turn the change of heading, in radians
 * @returns {Point[]}
 */
export function walk({ unit }, { x, y, heading, steps, radius }, turn) {
	return Array.from({ length: steps }, (_, step) => {
		heading += turn(step);
		x += Math.cos(heading) * unit;
		y += Math.sin(heading) * unit;
		return { x, y, radius };
	});
}

/**
 * A point on the border, and a heading into the image.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function entry({ width, height }, random) {
	const side = random.integer(0, 3);
	const along = random.between(0.15, 0.85);
	const x = [along * width, width, along * width, 0][side];
	const y = [0, along * height, height, along * height][side];
	return { x, y, heading: ((side + 1) * Math.PI) / 2 + random.between(-0.7, 0.7) };
}

/**
 * Raises the cover of the pixels under a segment to the fraction of each that the segment covers.
 *
 * @param {Float32Array} cover
 * @param {number} width
 * @param {number} height
 * @param {Point} from
 * @param {Point} to
 */
function coverSegment(cover, width, height, from, to) {
	const [dx, dy] = [to.x - from.x, to.y - from.y];
	const reach = Math.max(from.radius, to.radius) + 1;
	const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
	const right = Math.min(width - 1, Math.ceil(Math.max(from.x, to.x) + reach));
	const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
	const bottom = Math.min(height - 1, Math.ceil(Math.max(from.y, to.y) + reach));
	for (let y = top; y <= bottom; y++) {
		for (let x = left; x <= right; x++) {
			const along = clamp(((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy), 0, 1);
			const [offX, offY] = [x - from.x - along * dx, y - from.y - along * dy];
			const radius = from.radius + along * (to.radius - from.radius);
			// A line thinner than a pixel covers part of it, like in a photograph.
			const covered = clamp(radius + 0.5 - Math.sqrt(offX * offX + offY * offY), 0, Math.min(1, 2 * radius));
			if (covered > cover[y * width + x]) cover[y * width + x] = covered;
		}
	}
}
