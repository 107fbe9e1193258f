// Cleans a data set when its files have changed, and records what is left.
import { createHash } from "node:crypto";
import { join, relative, resolve } from "node:path";
import { cleanTheData, lastCheckOf } from "../cleaning/clean";
import { quarantined } from "../cleaning/quarantine";
import { countImages } from "../datasets/directory";
import { filesIn, isImageFile, SPLITS, splitFolder } from "../images/folders";
import { saveArtifact } from "../support/artifacts";
import { statOrNull, versionOfFile } from "../support/files";
import { ARTIFACTS, type CleaningRecord, loadCleaning } from "./records";

/**
 * Counts the images after cleaning and saves the record as `<artifacts>/cleaning.json`. After a cleaning that checked containers
 * only the record says so, and `ensureClean` decodes the files.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param seconds duration of cleaning
 */
export function recordCleaning(dataset: string, artifacts: string, seconds: number): CleaningRecord {
	const record: CleaningRecord = {
		dataset: resolve(dataset),
		counts: countImages(dataset),
		state: stateOf(dataset),
		check: SPLITS.some((split) => lastCheckOf(join(dataset, split)) === "container") ? "container" : "full",
		removed: SPLITS.flatMap((split) => quarantined(join(dataset, split))).length,
		seconds,
	};
	saveArtifact(artifacts, ARTIFACTS.cleaning, record);
	return record;
}

/**
 * Cleans the three splits of a data set, unless they are already clean: recorded as decoded in full, with the same image files
 * as now.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param artifacts folder of the record
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	// For its error, which says what a data set is.
	if (SPLITS.some((split) => !statOrNull(splitFolder(dataset, split)))) countImages(dataset);
	const saved = loadCleaning(artifacts);
	if (saved && saved.check !== "container" && saved.state === stateOf(dataset)) return saved;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}

/** Returns a hash of the images' names, sizes and times: a file that is replaced in place changes it. */
export function stateOf(dataset: string): string {
	const hash = createHash("sha256");
	const images = SPLITS.flatMap((split) => [...filesIn(splitFolder(dataset, split))].filter(isImageFile).sort());
	// Relative names: a data set that is moved stays clean.
	for (const path of images) hash.update(`${relative(dataset, path)}\0${versionOfFile(path)}\n`);
	return hash.digest("hex");
}
