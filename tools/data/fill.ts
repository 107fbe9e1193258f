// Makes the data sets that a user need not bring: the sample images in `dataset/`, Fashion-MNIST in a folder of its own.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { SPLITS, splitFolder } from "../../src/images/folders";
import { pathExists, statOrNull } from "../../src/support/files";
import { at, fromHere } from "../setup/paths.mjs";
import { lock } from "../setup/steps.mjs";

/** Where `--dataset fashion` keeps its images. Not in `dataset/`, whose contents are the user's. */
export const fashionFolder = at("datasets", "fashion");

/** Returns whether a source or data set is Fashion-MNIST: the word fashion, unless something here has that name. */
export const isFashion = (text: string) => text === "fashion" && !pathExists(fromHere(text));

/** Returns the folder of the data set that the user typed, by default `dataset/`. */
export function datasetFolder(text = ""): string {
	if (!text) return at("dataset");
	return isFashion(text) ? fashionFolder : fromHere(text);
}

/** Makes what is missing of a data set that can be made; leaves every other folder alone. */
export async function fillDataset(dataset: string): Promise<void> {
	const fill = { [at("dataset")]: fillSample, [fashionFolder]: fillFashion }[dataset];
	if (!fill) return;
	// Set-up's lock: two commands at once must not both make it.
	const unlock = await lock();
	try {
		await fill(dataset);
	} finally {
		unlock();
	}
}

const hasImages = (folder: string) => statOrNull(folder)?.isDirectory() === true && readdirSync(folder).length > 0;

/** Makes the synthetic sample data set if `dataset/` has no images, or finishes one that was interrupted. */
async function fillSample(dataset: string): Promise<void> {
	if (hasImages(join(dataset, "train")) && !existsSync(join(dataset, ".making"))) return;
	// Loaded only where it is needed, with sharp's libraries.
	const { makeSampleDataset } = require("./sample-dataset") as typeof import("./sample-dataset");
	console.log("dataset/ has no images: making the synthetic sample data set (about 30 s) …");
	await makeSampleDataset(dataset);
}

/** Makes the default images of Fashion-MNIST if a split has none. */
async function fillFashion(into: string): Promise<void> {
	if (SPLITS.every((split) => hasImages(splitFolder(into, split)))) return;
	const { makeDataset } = require("./dataset") as typeof import("./dataset");
	const { FASHION_DEFAULTS } = require("./fashion") as typeof import("./fashion");
	const { ratios, ...fashion } = FASHION_DEFAULTS;
	const options = { source: "fashion", label: "fashion", isFolder: false, fashion, into, ratios, seed: 42 };
	await makeDataset({ ...options, maxBytes: Number.POSITIVE_INFINITY });
}
