// Finds the files that training could not read and sets them aside, so that nothing is lost.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { countImages, type ImageCount, SPLITS } from "../datasets/dataset";
import { count, endingOf, filesIn, isRead, requireFolder } from "../images/folders";
import { formatOfFile } from "../images/formats";
import { loadArtifact, saveArtifact } from "../support/artifacts";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { isThere, moveToQuarantine, quarantined } from "./quarantine";
import { verifiedFiles } from "./verified-cache";
import { verifyImages } from "./verify";

export interface CleanOptions {
	/** Deletes the files for good in place of moving them to the quarantine. Default false. */
	permanently?: boolean;
	/** Only says what would be removed. Default false. */
	dryRun?: boolean;
	/**
	 * Also removes pictures of formats that training passes over because of their ending (HEIC, ICO, SVG…). Default
	 * false: they stay and are counted.
	 */
	removeUnsupported?: boolean;
	/**
	 * Whether files that passed before, with the same inode, size and time of change, are not decoded again. Default
	 * true; what passed is remembered in `$XDG_CACHE_HOME`, by default `~/.cache`.
	 */
	cache?: boolean;
	/** Is told how far it is, see `OnFileProgress`; `liveFileProgress()` shows a bar. Default: a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/**
 * Removes the pictures of a folder that cannot be decoded in full: the Keras pipeline's `clean_the_data`, made strict and safe.
 *
 * Every file with a picture's ending is decoded to its last pixel, by what training decodes it with: a file stays if and
 * only if training can read it. Files with other endings, which training passes over, stay too, HEIC or ICO pictures
 * among them; one that is called .jpg goes, since training would stop at it. "Removing" moves a file to
 * `quarantine/<folder>` beside the folder and notes it in a manifest; `restore` brings it back. Prints a line for each
 * removed file and the count, and how many files have another format than their ending says.
 *
 * A run that is stopped, or killed, loses nothing: the next one goes on.
 *
 * @param directory for example `"dataset/train"`. Links to folders are not followed; of a link to a file that cannot be
 *   read the link is removed, never the file
 * @returns how many files were removed
 * @throws when the folder cannot be read or a file cannot be moved
 */
export async function cleanTheData(directory: string, options: CleanOptions = {}): Promise<number> {
	const { permanently = false, dryRun = false, removeUnsupported = false, cache = true } = options;
	requireFolder(directory, "clean");
	const known = cache ? verifiedFiles(directory) : null;
	const { tick, end } = fileProgress(count(filesIn(directory)), options.onProgress);
	const kept = new Map<string, { files: number; example: string }>();
	const keep = (kind: string, path: string) => {
		const { files, example } = kept.get(kind) ?? { files: 0, example: path };
		kept.set(kind, { files: files + 1, example });
	};
	let cleaned = 0;
	for await (const { path, reason, detail, format } of verifyImages(unverified())) {
		await tick();
		if (!reason) {
			if (format?.endings.includes(endingOf(path))) known?.add(path);
			else keep(`${format?.name} with the ending ${endingOf(path)}`, path);
		} else if (isThere(path)) {
			cleaned++;
			console.log(`Removing corrupt image: ${path} (${reason}: ${detail})`);
			if (dryRun) continue;
			if (permanently) rmSync(path);
			else await moveToQuarantine(directory, path, { reason, detail });
		}
	}
	known?.save();
	end();
	for (const [kind, { files, example }] of kept) console.log(`Kept ${files} of ${kind}, for example ${example}`);
	console.log(`Cleaned ${cleaned} corrupt images`);
	return cleaned;

	async function* unverified() {
		for (const path of filesIn(directory)) {
			const passedOver = isRead(path) ? null : formatOfFile(path);
			const isToVerify = isRead(path) ? !known?.has(path) : removeUnsupported && passedOver?.decoder === null;
			if (isToVerify) {
				yield path;
				continue;
			}
			const ending = endingOf(path) || "missing";
			if (passedOver) keep(`${passedOver.name} with the ending ${ending}, which training passes over`, path);
			await tick();
		}
	}
}

/** What cleaning leaves for the other notebooks and the report. */
export interface CleaningRecord {
	dataset: string;
	/** The pictures per split and class that training can use. */
	counts: ImageCount[];
	/** How many files are in quarantine, from this run and earlier ones. */
	removed: number;
	seconds: number;
}

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
	saveArtifact(artifacts, "cleaning", record);
	return record;
}

/**
 * Cleans the three splits of a data set, unless the record says that it was done and no file came or went since.
 *
 * @param dataset the folder with `train`, `valid` and `test`
 * @param artifacts where the record is kept
 */
export async function ensureClean(dataset: string, artifacts: string): Promise<CleaningRecord> {
	const known = loadArtifact<CleaningRecord>(artifacts, "cleaning");
	const counts = JSON.stringify(countImages(dataset));
	if (known?.dataset === resolve(dataset) && JSON.stringify(known.counts) === counts) return known;
	const started = performance.now();
	for (const split of SPLITS) await cleanTheData(join(dataset, split));
	return recordCleaning(dataset, artifacts, (performance.now() - started) / 1000);
}
