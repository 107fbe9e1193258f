// Until tools/data, run, report and jupyter have moved: what their files import from here.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { at } from "./setup/paths.mjs";
import { lock } from "./setup/steps.mjs";

export { setup } from "./setup/setup.mjs";

/** Makes the synthetic sample data set if `dataset/` has no images, or finishes one that was interrupted. */
export async function fillDataset() {
	const dataset = at("dataset");
	const unlock = await lock();
	try {
		const train = join(dataset, "train");
		const filled = existsSync(train) && readdirSync(train).length > 0;
		if (filled && !existsSync(join(dataset, ".making"))) return;
		const { makeSampleDataset } = await import("./sample-dataset.mjs");
		console.log("dataset/ has no images: making the synthetic sample data set (about 30 s) …");
		await makeSampleDataset(dataset);
	} finally {
		unlock();
	}
}
