// Makes the sample data set where the user has no images.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { statOrNull } from "../../src/support/files";
import { at } from "../setup/paths.mjs";
import { lock } from "../setup/steps.mjs";

/** Makes the synthetic sample data set if `dataset/` has no images, or finishes one that was interrupted. */
export async function fillDataset(): Promise<void> {
	const dataset = at("dataset");
	// Set-up's lock: two commands at once must not both draw.
	const unlock = await lock();
	try {
		const train = join(dataset, "train");
		const isFilled = statOrNull(train)?.isDirectory() && readdirSync(train).length > 0;
		if (isFilled && !existsSync(join(dataset, ".making"))) return;
		// Loaded only where it is needed, with sharp's libraries.
		const { makeSampleDataset } = require("./sample-dataset") as typeof import("./sample-dataset");
		console.log("dataset/ has no images: making the synthetic sample data set (about 30 s) …");
		await makeSampleDataset(dataset);
	} finally {
		unlock();
	}
}
