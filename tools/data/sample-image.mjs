// Draws images of the sample data set and writes them.
//
// Run as a worker thread, this file does the jobs it is given and posts a message after each. It and the files it imports
// are JavaScript because Node loads them into the thread, where nothing translates TypeScript.
import { writeFileSync } from "node:fs";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import { drawScene } from "./sample-scene.mjs";
import { alterations, damages, encode } from "./sample-storage.mjs";

/**
 * An image to draw. A copy of another image has the other's scene and storage: it is drawn again, because the other may
 * be drawn by another thread.
 *
 * @typedef {object} Job
 * @property {string} file the path to write
 * @property {import("./sample-scene.mjs").Scene} scene
 * @property {import("./sample-storage.mjs").Storage} storage
 * @property {keyof typeof alterations} [alteration] default: none
 * @property {keyof typeof damages} [damage] how the file is broken; default: not at all
 */

/** @param {Job} job */
async function doJob({ file, scene, storage, alteration, damage }) {
	let bytes = await encode(drawScene(scene), storage);
	if (alteration) {
		const { change, quality } = alterations[alteration];
		bytes = await change(sharp(bytes)).jpeg({ quality }).toBuffer();
	}
	writeFileSync(file, damage ? damages[damage](bytes) : bytes);
}

if (!isMainThread && workerData?.jobs) {
	for (const job of workerData.jobs) {
		await doJob(job);
		parentPort?.postMessage("done");
	}
}
