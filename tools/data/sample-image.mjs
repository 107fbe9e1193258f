// Draws one image of the sample data set: a photo-like concrete or tile surface, with or without a crack.
//
// An image is drawn on two planes of floats, brightness and warmth, and becomes RGB at the very end. Lengths are
// in units of 1/64 of the shorter side, because a model that shrinks images to 64×64 sees nothing thinner.
// Run as a worker thread, this file does the jobs it is given and posts a message after each. It is JavaScript because
// Node loads it into the thread, where nothing translates TypeScript.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";

/**
 * An image to draw.
 *
 * @typedef {object} Job
 * @property {string} file the path to write, without extension
 * @property {string} key seeds the random numbers
 * @property {boolean} cracked
 * @property {"jpg" | "png"} [format] default: drawn, mostly JPEG
 * @property {keyof typeof damages} [damage] how the file is broken; default: not at all
 */

/** @typedef {ReturnType<typeof randomFrom>} Random */
/** @typedef {ReturnType<typeof newCanvas>} Canvas */
/** @typedef {{ x: number, y: number, radius: number }} Point */
/** @typedef {{ x: number, y: number, heading: number, steps: number, radius: number, branching: number }} CrackStart */

/**
 * Random numbers (the sfc32 generator) that depend on `key` only, so that images can be drawn in any order.
 *
 * @param {string} key
 */
function randomFrom(key) {
	const hash = createHash("sha256").update(key).digest();
	let [a, b, c, counter] = [0, 4, 8, 12].map((offset) => hash.readInt32LE(offset));
	const next = () => {
		const result = (a + b + counter++) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = (((c << 21) | (c >>> 11)) + result) | 0;
		return (result >>> 0) / 2 ** 32;
	};
	/** @type {(low: number, high: number) => number} */
	const between = (low, high) => low + (high - low) * next();
	return {
		next,
		between,
		/** @type {(low: number, high: number) => number} */
		integer: (low, high) => Math.floor(between(low, high + 1)),
		/** @type {(probability: number) => boolean} */
		chance: (probability) => next() < probability,
		/** @type {<Item>(list: Item[]) => Item} */
		pick: (list) => list[Math.floor(next() * list.length)],
		sign: () => (next() < 0.5 ? -1 : 1),
		/** Bell-shaped, standard deviation 1, never beyond 3: cheap, and without the outliers of a true normal. */
		bell: () => 2 * (next() + next() + next()) - 3,
	};
}

/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => (value < low ? low : value > high ? high : value);
/**
 * 0 at 0, 1 at 1, level at both ends.
 *
 * @type {(t: number) => number}
 */
const ease = (t) => t * t * (3 - 2 * t);

/** @param {Random} random */
function newCanvas(random) {
	const ratio = random.pick([1, 1.2, 4 / 3, 1.5, 1.75]);
	const short = Math.round(random.between(120, Math.min(200, 260 / ratio)));
	const long = Math.floor(short * ratio);
	const [width, height] = random.chance(0.5) ? [short, long] : [long, short];
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
function eachPixel({ width, height }, visit) {
	for (let y = 0, index = 0; y < height; y++) {
		for (let x = 0; x < width; x++, index++) visit(index, x, y);
	}
}

/**
 * Adds value noise in -amount…amount: random heights on a lattice, `cell` pixels apart, with eased steps in between.
 *
 * @param {Canvas} canvas
 * @param {Float32Array} plane
 * @param {number} cell
 * @param {number} amount
 * @param {Random} random
 */
function addNoise({ width, height }, plane, cell, amount, random) {
	const columns = Math.ceil(width / cell) + 2;
	const rows = Math.ceil(height / cell) + 2;
	const lattice = Float32Array.from({ length: columns * rows }, () => random.between(-amount, amount));
	const weights = Float32Array.from({ length: width }, (_, x) => ease((x / cell) % 1));
	const line = new Float32Array(columns);
	for (let y = 0; y < height; y++) {
		const above = Math.floor(y / cell) * columns;
		const weight = ease((y / cell) % 1);
		for (let i = 0; i < columns; i++) {
			line[i] = lattice[above + i] + weight * (lattice[above + columns + i] - lattice[above + i]);
		}
		for (let x = 0; x < width; x++) {
			const column = Math.floor(x / cell);
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
function drawPaths({ width, height, light }, paths, depth) {
	const cover = new Float32Array(width * height);
	for (const path of paths) {
		for (let i = 1; i < path.length; i++) coverSegment(cover, width, height, path[i - 1], path[i]);
	}
	for (let i = 0; i < cover.length; i++) light[i] *= 1 - depth * cover[i];
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

/**
 * Chooses how the image is stored: mostly plain colour JPEG, now and then something else that readers must cope with.
 *
 * @param {Random} random
 */
function chooseFormat(random) {
	return {
		format: random.chance(0.03) ? "png" : "jpg",
		quality: random.chance(0.15) ? random.integer(20, 45) : random.integer(60, 92),
		progressive: random.chance(0.05),
		gray: random.chance(0.04),
		orientation: random.chance(0.04) ? random.pick([3, 6, 8]) : undefined,
		blur: random.chance(0.3) ? random.between(0.4, 0.9) : 0,
	};
}

/**
 * Draws the surface, layer by layer.
 *
 * @param {Random} random
 * @param {boolean} cracked
 */
function drawImage(random, cracked) {
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
 * @param {import("sharp").Sharp} image
 * @param {ReturnType<typeof chooseFormat>} storage
 * @returns {Promise<Buffer>}
 */
function encode(image, { format, quality, progressive, gray, orientation, blur }) {
	if (blur) image = image.blur(blur);
	if (gray) image = image.toColourspace("b-w");
	if (orientation) image = image.withMetadata({ orientation });
	return (format === "png" ? image.png() : image.jpeg({ quality, progressive })).toBuffer();
}

/** The ways a file can be broken; each gets a good file's bytes. */
const damages = {
	/** @param {Buffer} bytes */
	"cut off after 70 %": (bytes) => bytes.subarray(0, bytes.length * 0.7),
	/** @param {Buffer} bytes */
	"cut off after 30 %": (bytes) => bytes.subarray(0, bytes.length * 0.3),
	empty: () => Buffer.alloc(0),
	"plain text": () => Buffer.from("Picture 0233 was not exported: the camera was offline.\n"),
	"an HTML page": () => Buffer.from("<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"),
	/** @param {Buffer} bytes */
	"first 16 bytes overwritten": (bytes) => Buffer.concat([Buffer.alloc(16, 0x2e), bytes.subarray(16)]),
};

/**
 * Writes the image of a job to `file` plus the extension of its format.
 *
 * @param {Job} job
 */
async function doJob({ file, key, cracked, format, damage }) {
	const random = randomFrom(key);
	const storage = chooseFormat(random);
	if (format) storage.format = format;
	const bytes = await encode(drawImage(random, cracked), storage);
	writeFileSync(`${file}.${storage.format}`, damage ? damages[damage](bytes) : bytes);
}

if (!isMainThread && workerData?.jobs) {
	for (const job of workerData.jobs) {
		await doJob(job);
		parentPort?.postMessage("done");
	}
}
