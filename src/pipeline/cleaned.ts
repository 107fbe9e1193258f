// Cleans a data set once, and records what is left.
import { join, resolve } from "node:path";
import { cleanTheData } from "../cleaning/clean";
import { quarantined } from "../cleaning/quarantine";
import { countImages } from "../datasets/directory";
import { SPLITS } from "../images/folders";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { ARTIFACTS, type CleaningRecord } from "./records";

/**
 * Counts what is left after cleaning and keeps it as `<artifacts>/cleaning.json`.
 *
 * @param seconds how long cleaning took
 */
export function recordCleaning(dataset: string, artifacts: string, seconds: number): CleaningRecord {
	const record = {
		dataset: resolve(dataset),
		counts: countImages(dataset),
		removed: SPLITS.flatMap((split) => quarantined(join(dataset, split))).length,
		seconds,
	};
	saveArtifact(artifacts, ARTIFACTS.cleaning, record);
	return record;
}

/**
 * Cleans the three splits of a data set, unless the record says that it was done and no file came or went since.
 *
 * @param dataset the folder with `train`, `valid` and `test`
 * @param artifacts where the record is kept
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	const known = loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning);
	const counts = JSON.stringify(countImages(dataset));
	if (known?.dataset === resolve(dataset) && JSON.stringify(known.counts) === counts) return known;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}
