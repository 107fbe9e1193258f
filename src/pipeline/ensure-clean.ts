// Cleans a data set once, and records what is left.
import { join, resolve } from "node:path";
import { cleanTheData } from "../cleaning/clean";
import { quarantined } from "../cleaning/quarantine";
import { countImages } from "../datasets/directory";
import { SPLITS } from "../images/folders";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { ARTIFACTS, type CleaningRecord } from "./records";

/**
 * Counts the images after cleaning and saves the record as `<artifacts>/cleaning.json`.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param seconds duration of cleaning
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
 * Cleans the three splits of a data set, unless they are already clean: recorded, with the same image counts as now.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param artifacts folder of the record
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	const saved = loadArtifact<CleaningRecord>(artifacts, ARTIFACTS.cleaning);
	const counts = JSON.stringify(countImages(dataset));
	if (saved?.dataset === resolve(dataset) && JSON.stringify(saved.counts) === counts) return saved;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}
