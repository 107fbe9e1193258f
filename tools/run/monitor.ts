// Compares new images with those of validation: `npm run predict -- --monitor FOLDER`.
import { existsSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import type { Drift } from "../../src/evaluation";
import { filesIn, isImageFile, splitFolder } from "../../src/images/folders";
import { counted, percent } from "../../src/support/format";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { at, fromHere, shown } from "../setup/paths.mjs";
import { trainedModel } from "./trained-model";

/** Exit code where new images are not like those before; an error is 1. */
const DRIFTED = 2;
/** What is said of a property that has become less, and more. */
const WORDS: Record<string, [string, string]> = {
	brightness: ["darker", "brighter"],
	sharpness: ["more blurred", "sharper"],
	colour: ["less colourful", "more colourful"],
	size: ["smaller", "larger"],
	"distance to the training images": ["more like the training images", "less like the training images"],
};
/** Images that are named, and neighbours that the distance is the mean of. */
const [NAMED, K] = [5, 10];

/** Says in words what has changed, and which images changed most. */
export async function main(args: string[]): Promise<void> {
	const { folder, artifacts } = readOptions(args);
	const files = [...filesIn(folder)].filter(isImageFile).sort();
	if (files.length === 0) throw new Error(`${shown(folder)} has no images`);
	const trained = await trainedModel(artifacts);
	const { dataset } = trained.record;
	if (!existsSync(splitFolder(dataset, "valid")))
		throw new Error(
			`the images that the model was trained with are not in ${dataset} any more: npm start trains again`,
		);
	const { driftOf } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const measure = await measurer(trained, artifacts);
	const before = await measure(imagesOf(dataset, "valid"));
	const now = await measure(files);
	const drifts = driftOf(before.properties, now.properties);
	const lost = files.length - now.paths.length;
	if (lost > 0) console.error(`${lost} of ${files.length} files cannot be read`);
	console.log(report(drifts, now, before.paths.length));
	if (drifts.some(({ hasDrifted }) => hasDrifted)) process.exitCode = DRIFTED;
}

function imagesOf(dataset: string, split: string): string[] {
	const { imageDatasetFromDirectory } = require("../../src/datasets") as typeof import("../../src/datasets");
	return imageDatasetFromDirectory(splitFolder(dataset, split), { verbose: false }).filePaths;
}

/** Images that can be read, how far each is from the training images, and what is compared of all of them. */
interface Measured {
	paths: string[];
	distance: number[];
	properties: Record<string, number[]>;
}

/** Returns the function that measures images beside those that a model was trained on. */
async function measurer(
	{ model, record, temperature }: Awaited<ReturnType<typeof trainedModel>>,
	artifacts: string,
): Promise<(paths: string[]) => Promise<Measured>> {
	const { classNames, dataset } = record;
	const { predictImages } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const review = require("../../src/review") as typeof import("../../src/review");
	const network = review.featurePart(model);
	const options = { folder: join(artifacts, "features"), onProgress: () => {} };
	const featuresOf = (paths: string[]) =>
		review.featuresOf(
			network,
			paths.map((path) => ({ path })),
			options,
		);
	const known = await featuresOf(imagesOf(dataset, "train"));
	return async (given) => {
		const predictions = await predictImages(model, given, { classNames, temperature: temperature ?? 1 });
		const readable = predictions.filter(({ error }) => error === null);
		if (readable.length === 0) throw new Error(`none of ${counted(given.length, "file")} can be read`);
		const paths = readable.map(({ path }) => path);
		const neighbours = await review.nearestNeighbours(await featuresOf(paths), K, { among: known });
		const distance = review.outlierScores(neighbours, { k: K });
		const shares = classNames.map((name, label) => [
			`probability of ${name}`,
			readable.map(({ probabilities }) => probabilities[label]),
		]);
		// With two classes the one says what the other does.
		const told = Object.fromEntries(shares.length === 2 ? shares.slice(0, 1) : shares);
		const properties = { ...(await looksOf(paths)), "distance to the training images": distance, ...told };
		return { paths, distance, properties };
	};
}

/** Measures what images look like. */
async function looksOf(paths: string[]): Promise<Record<"brightness" | "sharpness" | "colour" | "size", number[]>> {
	const { imageProperties } = require("../../src/cleaning") as typeof import("../../src/cleaning");
	const [brightness, sharpness, colour, size]: number[][] = [[], [], [], []];
	for await (const { edges, width, height, colourfulness, ...image } of imageProperties(paths)) {
		brightness.push(image.brightness);
		sharpness.push(edges);
		colour.push(colourfulness);
		size.push(Math.sqrt(width * height));
	}
	return { brightness, sharpness, colour, size };
}

function readOptions(args: string[]): { folder: string; artifacts: string } {
	const options = { monitor: { type: "string" }, artifacts: { type: "string" } } as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (!values.monitor || positionals.length > 0)
		throw new Error(`--monitor takes one folder: ${commands.predict.usage.replace("\n", " or ")}`);
	const folder = fromHere(values.monitor);
	if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`there is no folder ${values.monitor}`);
	return { folder, artifacts: values.artifacts ? fromHere(values.artifacts) : at("artifacts") };
}

function report(drifts: Drift[], now: Measured, images: number): string {
	const changed = drifts.filter(({ hasDrifted }) => hasDrifted);
	const these = `${counted(now.paths.length, "image")} compared with ${counted(images, "validation image")}, which the network has not seen`;
	if (changed.length === 0) return `${these}: nothing has changed beyond chance.`;
	const strangest = now.paths
		.map((path, i) => ({ path, distance: now.distance[i] }))
		.sort((a, b) => b.distance - a.distance)
		.slice(0, NAMED)
		.map(({ path, distance }) => `  ${printable(relative(fromHere("."), path))}  ${distance.toFixed(3)}`);
	return [`${these}:`, ...changed.map(sentence), "Least like the training images (distance):", ...strangest].join("\n");
}

function sentence({ property, before, now, pValue }: Drift): string {
	const [less, more] = WORDS[property] ?? ["", ""];
	const direction = now < before ? less : more;
	const isShare = property.startsWith("probability of ");
	const shownValue = (value: number) => (isShare ? percent(value) : value.toPrecision(3));
	const values = `${property} ${shownValue(now)} instead of ${shownValue(before)}, medians`;
	return `- ${direction && now !== before ? `${direction}: ` : ""}${printable(values)} (p = ${pValue.toPrecision(1)})`;
}
