// Draws images of the sample data set, stores them as cameras and programs do, and breaks a few.
//
// Run as a worker thread, this file does the jobs it is given and posts a message after each. It and the files it imports
// are JavaScript because Node loads them into the thread, where nothing translates TypeScript.
import { writeFileSync } from "node:fs";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { randomFrom } from "./sample-random.mjs";
import { drawSurface } from "./sample-surface.mjs";

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

/** @typedef {import("./sample-random.mjs").Random} Random */

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
	const bytes = await encode(drawSurface(random, cracked), storage);
	writeFileSync(`${file}.${storage.format}`, damage ? damages[damage](bytes) : bytes);
}

if (!isMainThread && workerData?.jobs) {
	for (const job of workerData.jobs) {
		await doJob(job);
		parentPort?.postMessage("done");
	}
}
