// Label issues and outliers, one step for each line on standard input; answers with milliseconds, and what was found, as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findLabelIssues, labelQualityScores, nearestNeighbours, outlierScores } from "../../src/review";

/** Reads numbers that `writeNumbers` of review.ts has written. */
function read<T>(file: string, type: new (buffer: ArrayBuffer) => T): T {
	const bytes = readFileSync(file);
	return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer);
}

function issues(folder: string) {
	const labels = read(join(folder, "labels"), Int32Array);
	const values = read(join(folder, "probabilities"), Float64Array);
	const classes = values.length / labels.length;
	const rows = Array.from(labels, (_, i) => Array.from(values.subarray(i * classes, (i + 1) * classes)));
	return () => {
		const scores = labelQualityScores(labels, rows);
		const ranking = [...scores.keys()].sort((a, b) => scores[a] - scores[b]);
		return { issues: findLabelIssues(labels, rows, { rankedBy: "selfConfidence" }), ranking };
	};
}

function outliers(folder: string) {
	const images = read(join(folder, "labels"), Int32Array).length;
	const values = read(join(folder, "features"), Float32Array);
	return async () => {
		outlierScores(await nearestNeighbours({ values, images, length: values.length / images }));
		return {};
	};
}

(async () => {
	for await (const line of createInterface({ input: process.stdin })) {
		const [step, folder] = line.split(" of ");
		const work = step === "label issues" ? issues(folder) : outliers(folder);
		const started = performance.now();
		const found = await work();
		console.log(JSON.stringify({ ms: performance.now() - started, ...found }));
	}
})();
