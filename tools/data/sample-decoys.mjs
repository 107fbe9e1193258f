// Draws lines that are no cracks: what makes a detector of dark lines fail. Both classes have them, equally often.
import { drawPaths, entry, walk } from "./sample-canvas.mjs";
import { crackPaths } from "./sample-crack.mjs";

/** @typedef {import("./sample-random.mjs").Random} Random */
/** @typedef {import("./sample-canvas.mjs").Canvas} Canvas */
/** @typedef {import("./sample-canvas.mjs").Point} Point */

/** @type {(canvas: Canvas, random: Random) => { x: number, y: number, heading: number }} */
const anywhere = ({ width, height }, random) => ({
	x: random.next() * width,
	y: random.next() * height,
	heading: random.between(0, 2 * Math.PI),
});

/**
 * How much a line darkens: a few of them as much as a crack, so that darkness alone does not tell.
 *
 * @param {Random} random
 */
const darkness = (random) => (random.chance(0.85) ? random.between(0.1, 0.4) : random.between(0.4, 0.7));

/**
 * Draws up to three decoys.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
export function drawDecoys(canvas, random) {
	const chance = random.next();
	const count = chance < 0.25 ? 0 : chance < 0.6 ? 1 : chance < 0.88 ? 2 : 3;
	for (let i = 0; i < count; i++) random.pick(DECOYS)(canvas, random);
}

/**
 * Hair-like scratches, light or dark: as thin as faint cracks, but smooth and single.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function scratches(canvas, random) {
	for (let count = random.integer(1, 4); count > 0; count--) {
		const bend = 0.04 * random.bell();
		const radius = random.between(0.08, 0.25) * canvas.unit;
		const start = { ...anywhere(canvas, random), steps: random.integer(8, 40), radius };
		drawPaths(canvas, [walk(canvas, start, () => bend)], random.sign() * random.between(0.1, 0.4));
	}
}

/**
 * A cable that hangs in front of the surface, with its shadow beside it.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function wire(canvas, random) {
	const radius = random.between(0.3, 0.9) * canvas.unit;
	const bend = 0.015 * random.bell();
	const path = walk(canvas, { ...entry(canvas, random), steps: 130, radius }, () => bend);
	const [offX, offY] = [random.between(-4, 4) * canvas.unit, random.between(1, 4) * canvas.unit];
	const shadow = path.map(({ x, y }) => ({ x: x + offX, y: y + offY, radius: 1.6 * radius }));
	drawPaths(canvas, [shadow], random.between(0, 0.2));
	drawPaths(canvas, [path], darkness(random));
}

/**
 * Water that ran down, and wandered: dark, with soft edges.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function wetLine(canvas, random) {
	const depth = random.between(0.08, 0.25);
	const radius = random.between(0.5, 2) * canvas.unit;
	const start = { x: random.next() * canvas.width, y: -2, heading: Math.PI / 2, steps: random.integer(25, 110) };
	let drift = 0;
	const path = walk(canvas, { ...start, radius }, () => {
		const before = drift;
		drift = 0.9 * drift + 0.12 * random.bell();
		return drift - before;
	});
	for (const share of [1, 0.7, 0.4]) {
		drawPaths(canvas, [path.map((point) => ({ ...point, radius: share * point.radius }))], depth);
	}
}

/**
 * Parallel arcs that a trowel or a grinder left.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function toolMarks(canvas, random) {
	const start = anywhere(canvas, random);
	const bend = 0.03 * random.bell();
	const spacing = random.between(1.5, 6) * canvas.unit;
	const radius = random.between(0.12, 0.45) * canvas.unit;
	const paths = Array.from({ length: random.integer(3, 9) }, (_, i) => {
		const along = random.bell() * canvas.unit;
		const x = start.x - Math.sin(start.heading) * i * spacing + Math.cos(start.heading) * along;
		const y = start.y + Math.cos(start.heading) * i * spacing + Math.sin(start.heading) * along;
		return walk(canvas, { x, y, heading: start.heading, steps: random.integer(10, 30), radius }, () => bend);
	});
	drawPaths(canvas, paths, random.sign() * random.between(0.1, 0.35));
}

/**
 * Straight lines of a pencil or of chalk.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function drawnLines(canvas, random) {
	const radius = random.between(0.2, 0.7) * canvas.unit;
	const paths = Array.from({ length: random.integer(1, 2) }, () =>
		walk(canvas, { ...anywhere(canvas, random), steps: random.integer(20, 80), radius }, () => 0),
	);
	drawPaths(canvas, paths, random.chance(0.7) ? darkness(random) : -random.between(0.15, 0.4));
}

/**
 * The rim that a puddle leaves when it dries: a wavy closed line.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function rim(canvas, random) {
	const { unit } = canvas;
	const { x, y } = anywhere(canvas, random);
	const [size, radius] = [random.between(6, 22) * unit, random.between(0.15, 0.5) * unit];
	const waves = [2, 3, 5, 8].map((times) => ({
		times,
		phase: random.between(0, 7),
		height: (0.35 / times) * random.next(),
	}));
	const path = Array.from({ length: 73 }, (_, i) => {
		const angle = (i / 36) * Math.PI;
		const distance = size * waves.reduce((sum, w) => sum + w.height * Math.sin(w.times * angle + w.phase), 1);
		return { x: x + distance * Math.cos(angle), y: y + distance * Math.sin(angle), radius };
	});
	drawPaths(canvas, [path], random.between(0.08, 0.4));
}

/**
 * A curled fibre on the lens or on the wall.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function fibre(canvas, random) {
	let bend = 0.2 * random.bell();
	const radius = random.between(0.2, 0.8) * canvas.unit;
	const start = { ...anywhere(canvas, random), steps: random.integer(12, 45), radius };
	const path = walk(canvas, start, () => {
		bend = 0.9 * bend + 0.06 * random.bell();
		return bend;
	});
	drawPaths(canvas, [path], darkness(random));
}

/**
 * A crack that was filled: jagged and branched as a crack, but lighter than the surface.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function filledCrack(canvas, random) {
	const radius = random.between(0.4, 1) * canvas.unit;
	const start = { ...entry(canvas, random), steps: random.integer(20, 60), radius, branching: 0.03 };
	drawPaths(canvas, crackPaths(canvas, random, start), -random.between(0.1, 0.4));
}

/**
 * Holes of drills and bolts: as dark as cracks, but round.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function holes(canvas, random) {
	const radius = random.between(0.8, 3) * canvas.unit;
	const paths = Array.from({ length: random.integer(1, 6) }, () =>
		walk(canvas, { ...anywhere(canvas, random), steps: 2, radius }, () => 0),
	);
	drawPaths(canvas, paths, random.between(0.4, 0.85));
}

/**
 * A strip of dark tape, or a bar that leans on the wall: as dark as cracks, but wide and straight.
 *
 * @param {Canvas} canvas
 * @param {Random} random
 */
function tape(canvas, random) {
	const radius = random.between(1.5, 4) * canvas.unit;
	const start = { ...anywhere(canvas, random), steps: random.integer(8, 50), radius };
	drawPaths(canvas, [walk(canvas, start, () => 0)], random.between(0.35, 0.8));
}

// Twice, because they are learnt from more examples than the others need.
const DECOYS = [holes, holes, tape, tape, scratches, wire, wetLine, toolMarks, drawnLines, rim, fibre, filledCrack];
