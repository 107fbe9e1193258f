// Finds the files that training could not read and sets them aside, so that nothing is lost.
import {
	appendFileSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import sharp from "sharp";
import { loadArtifact, saveArtifact } from "./artifacts";
import { countImages, decodeImage, IMAGE_EXTENSIONS, type ImageCount, SPLITS } from "./datasets";
import { checkInterrupt } from "./kernel";

/** Why a file cannot be used for training. */
export type Reason = "empty" | "truncated" | "not an image" | "damaged data" | "too large" | "unreadable";

/** A file that was set aside: a line of the quarantine's manifest. */
export interface RemovedFile {
	/** Where the file was, relative to the cleaned folder. */
	path: string;
	reason: Reason;
	/** What the decoder or the system said. */
	detail: string;
	/** The file's size in bytes. */
	bytes: number;
	/** When it was set aside, as ISO 8601. */
	time: string;
}

export interface CleanOptions {
	/** Deletes the files for good in place of moving them to the quarantine. Default false. */
	permanently?: boolean;
	/** Only says what would be removed. Default false. */
	dryRun?: boolean;
	/** How many files are decoded at a time. Default 8. */
	concurrency?: number;
}

/**
 * Removes the pictures of a folder that cannot be decoded in full: the Keras pipeline's `clean_the_data`, made strict and safe.
 *
 * Every file with a picture's ending is decoded to its last pixel, by sharp and by TensorFlow, which training uses; so
 * a file that stays does not fail in training. Files with other endings, which training passes over, stay too.
 * "Removing" moves a file to `quarantine/<folder>` beside the folder and notes it in a manifest; `restore` brings it
 * back. Prints a line for each file and the count.
 *
 * @param directory for example `"dataset/train"`; links to folders are not followed
 * @returns how many files were removed
 * @throws when the folder cannot be read or a file cannot be moved
 */
export async function cleanTheData(directory: string, options: CleanOptions = {}): Promise<number> {
	const { permanently = false, dryRun = false, concurrency = 8 } = options;
	if (!existsSync(directory)) throw new Error(`cannot clean ${directory}: there is no such folder`);
	let cleaned = 0;
	const paths = imageFiles(directory);
	const work = async () => {
		for (const path of paths) {
			await checkInterrupt();
			const verdict = await verifyImage(path);
			if (!verdict) continue;
			cleaned++;
			console.log(`Removing corrupt image: ${path} (${verdict.reason}: ${verdict.detail})`);
			if (dryRun) continue;
			if (permanently) rmSync(path);
			else moveToQuarantine(directory, path, verdict);
		}
	};
	// Pictures are small: many at a time, one thread each, beats one at a time with many threads.
	const threads = sharp.concurrency();
	sharp.concurrency(1);
	try {
		await Promise.all(Array.from({ length: concurrency }, work));
	} finally {
		sharp.concurrency(threads);
	}
	console.log(`Cleaned ${cleaned} corrupt images`);
	return cleaned;
}

/**
 * Decodes a picture in full, as training will.
 *
 * @returns `null` if it can be used, or else why not
 */
export async function verifyImage(path: string): Promise<{ reason: Reason; detail: string } | null> {
	let bytes = Buffer.alloc(0);
	try {
		// Without this check a pipe would be waited for, forever.
		if (!statSync(path).isFile()) return { reason: "unreadable", detail: "not a regular file" };
		bytes = await readFile(path);
		if (bytes.length === 0) return { reason: "empty", detail: "0 bytes" };
		// sharp finds damaged data that TensorFlow shows as grey areas, but does not read BMP.
		const isBmp = bytes.toString("latin1", 0, 2) === "BM";
		if (!isBmp) await sharp(bytes, { failOn: "error" }).raw().toBuffer();
		(await decodeImage(path, bytes, 3)).dispose();
		return null;
	} catch (error) {
		const { message, code } = error as NodeJS.ErrnoException;
		const detail = message.split("\n")[0].trim();
		return code ? { reason: "unreadable", detail } : explain(bytes, detail);
	}
}

/**
 * Lists the files that `cleanTheData` has set aside from a folder, oldest first.
 *
 * @param directory the folder that was cleaned
 */
export function quarantined(directory: string): RemovedFile[] {
	const manifest = join(quarantineOf(directory), "manifest.jsonl");
	if (!existsSync(manifest)) return [];
	const lines = readFileSync(manifest, "utf8").split("\n").filter(Boolean);
	const files = lines.map((line) => JSON.parse(line) as RemovedFile);
	// After a run that was killed, a line can be without its file, and a file can have two lines.
	const latest = new Map(files.map((file) => [file.path, file]));
	return [...latest.values()].filter(({ path }) => existsSync(join(quarantineOf(directory), path)));
}

/** Where a removed file is now. */
export function quarantinePath(directory: string, removed: RemovedFile): string {
	return join(quarantineOf(directory), removed.path);
}

/**
 * Moves quarantined files back to where they were, never over a file that is there now.
 *
 * @param directory the folder that was cleaned
 * @param paths which files, as `quarantined` lists them. Default: all
 * @returns how many files were moved back
 */
export function restore(directory: string, paths?: string[]): number {
	const staying: RemovedFile[] = [];
	let restored = 0;
	for (const removed of quarantined(directory)) {
		const target = join(directory, removed.path);
		if ((paths && !paths.includes(removed.path)) || existsSync(target)) {
			staying.push(removed);
			continue;
		}
		mkdirSync(dirname(target), { recursive: true });
		renameSync(quarantinePath(directory, removed), target);
		restored++;
	}
	const folder = quarantineOf(directory);
	if (staying.length > 0) writeFileSync(join(folder, "manifest.jsonl"), staying.map(toLine).join(""));
	else rmSync(join(folder, "manifest.jsonl"), { force: true });
	return restored;
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

/** The files with a picture's ending, one by one, so that a million names need no memory. */
function* imageFiles(directory: string): Generator<string> {
	for (const entry of readdirSync(directory, { withFileTypes: true })) {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) yield* imageFiles(path);
		else if (IMAGE_EXTENSIONS.includes(extname(entry.name).toLowerCase())) yield path;
	}
}

/** How a file of each format begins, and what stands at its end. */
const FORMATS = [
	{ name: "JPEG", start: Buffer.from([0xff, 0xd8, 0xff]), end: Buffer.from([0xff, 0xd9]) },
	{ name: "PNG", start: Buffer.from("\x89PNG\r\n", "latin1"), end: Buffer.from("IEND") },
	{ name: "GIF", start: Buffer.from("GIF8"), end: Buffer.from(";") },
	{ name: "BMP", start: Buffer.from("BM"), end: Buffer.alloc(0) },
];

/**
 * Says what is wrong with bytes that cannot be decoded. The decoder's words do not decide: sharp takes them from a
 * place that all its threads write to.
 */
function explain(bytes: Buffer, detail: string): { reason: Reason; detail: string } {
	if (/pixel limit/i.test(detail)) return { reason: "too large", detail };
	const format = FORMATS.find(({ start }) => bytes.subarray(0, start.length).equals(start));
	if (!format) return { reason: "not an image", detail: "the start of no known format" };
	// A few bytes after the end mark are common.
	if (bytes.subarray(-64).includes(format.end)) return { reason: "damaged data", detail };
	return { reason: "truncated", detail: `the end of the ${format.name} is missing` };
}

const quarantineOf = (directory: string) =>
	join(dirname(resolve(directory)), "quarantine", basename(resolve(directory)));
const toLine = (removed: RemovedFile) => `${JSON.stringify(removed)}\n`;

function moveToQuarantine(directory: string, path: string, verdict: { reason: Reason; detail: string }): void {
	const folder = quarantineOf(directory);
	const name = relative(directory, path);
	const target = join(folder, name);
	try {
		mkdirSync(dirname(target), { recursive: true });
		if (existsSync(target)) throw new Error("a file of that name is in quarantine already; restore or delete it");
		const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
		// The note comes first: a run killed in between leaves a line too many, not a file without one.
		appendFileSync(
			join(folder, "manifest.jsonl"),
			toLine({ path: name, ...verdict, bytes, time: new Date().toISOString() }),
		);
		move(path, target);
	} catch (error) {
		throw new Error(`cannot move ${path} to ${folder}: ${(error as Error).message}`);
	}
}

function move(from: string, to: string): void {
	try {
		renameSync(from, to);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
		copyFileSync(from, to);
		rmSync(from);
	}
}
