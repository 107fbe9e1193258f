// Moves undecodable files to quarantine: `cleanTheData`.
import { resolve } from "node:path";
import {
	extensionOf,
	filesIn,
	isImageFile,
	isUnopenable,
	resolveSplit,
	systemPath,
	type WalkOptions,
} from "../images/folders";
import { formatOfFile } from "../images/formats";
import { requireFolder } from "../support/files";
import { count } from "../support/iteration";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { printable } from "../support/text";
import { deleteFile, moveToQuarantine } from "./quarantine";
import { type VerifiedFiles, verifiedFiles } from "./verified-cache";
import { type Reason, type Verified, type VerifyOptions, verifyImages } from "./verify";

/**
 * Options of `cleanTheData`. With `check: "container"` files are not decoded: a first pass, see `VerifyOptions`. What it passes
 * is not remembered, and `recordCleaning` does not record it as verified.
 */
export interface CleanOptions extends WalkOptions, VerifyOptions {
	/** Whether to delete corrupt files instead of moving them to quarantine. Default false. */
	permanently?: boolean;
	/** Whether to only report what would be removed. Default false. */
	dryRun?: boolean;
	/**
	 * Whether to also remove images with an extension that training ignores (HEIC, ICO, SVG …). Default false: they stay
	 * and are counted.
	 */
	removeUnsupported?: boolean;
	/**
	 * Whether to skip files that passed verification before and have the same inode, size, modification and change time. They
	 * are remembered in `$XDG_CACHE_HOME`, by default `~/.cache`. Default true.
	 */
	cache?: boolean;
	/** Receives progress; `liveFileProgress()` shows a bar. `null`: no progress. Default: prints a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/**
 * Removes corrupt images from a folder: the Keras pipeline's `clean_the_data`, made strict and safe.
 *
 * Each file with an image extension is decoded in full, by the decoder that training uses: it stays if and only if training
 * can read it (unless `check` says otherwise). Files with other extensions, which training ignores, stay too; but a HEIC file
 * named `.jpg` is removed.
 *
 * "Removing" moves a file to `quarantine/<folder>` next to the folder and records it in a manifest; `restore` moves it back.
 * Prints a line for each removed file, the numbers of kept files whose extension does not match their format or is
 * ignored, and the number of removed files. A run that was interrupted or killed loses nothing; the next run resumes.
 *
 * @param directory for example `"dataset/train"`. Class folders may be links to folders. Of a link to a corrupt file the link
 *   is removed, never the file
 * @returns the number of removed files; with `dryRun` of those that would be removed
 * @throws when the folder cannot be read or a file cannot be moved
 */
export async function cleanTheData(directory: string, options: CleanOptions = {}): Promise<number> {
	const { dryRun = false, cache = true, check = "full" } = options;
	const folder = resolveSplit(directory);
	requireFolder(folder, "clean");
	lastChecks.set(resolve(folder), check);
	const verified = cache && check === "full" ? verifiedFiles(folder) : null;
	const { tick, end } = fileProgress(count(filesIn(folder, options)), options.onProgress);
	const kept = keptFiles();
	let corrupt = 0;
	const files = filesToVerify(folder, options, verified, kept, tick);
	for await (const result of verifyImages(files, { check })) {
		await tick();
		const { path, reason, format } = result;
		if (reason) corrupt += Number(await remove(folder, { ...result, reason }, options));
		else if (format?.extensions.includes(extensionOf(path))) verified?.add(path);
		else kept.add(format?.name, path);
	}
	verified?.save();
	end();
	kept.print();
	if (check === "container")
		console.log("Checked the containers only, a first pass: pixels that do not decode are not found");
	console.log(dryRun ? `Dry run: would remove ${corrupt} corrupt images` : `Cleaned ${corrupt} corrupt images`);
	return corrupt;
}

const lastChecks = new Map<string, VerifyOptions["check"]>();

/** Returns how `cleanTheData` verified the files of a folder the last time in this process; `undefined` if it did not. */
export const lastCheckOf = (directory: string) => lastChecks.get(resolve(resolveSplit(directory)));

/** Removes a file that failed verification, and prints why; false when it is gone, as another run may have moved it. */
async function remove(
	directory: string,
	{ path, reason, detail }: Verified & { reason: Reason },
	options: CleanOptions,
): Promise<boolean> {
	const { dryRun = false, permanently = false } = options;
	const why = { reason, detail: isUnopenable(path) ? "its name is not UTF-8" : detail };
	const isRemoved = dryRun
		? systemPath(path) !== null
		: permanently
			? deleteFile(path)
			: await moveToQuarantine(directory, path, why);
	if (isRemoved)
		console.log(
			`${dryRun ? "Would remove" : "Removing"} corrupt image: ${printable(path)} (${reason}: ${printable(why.detail)})`,
		);
	return isRemoved;
}

/** Yields the files that need verification. For each other file it calls `tick`. */
async function* filesToVerify(
	directory: string,
	{ removeUnsupported = false }: CleanOptions,
	verified: VerifiedFiles | null,
	kept: ReturnType<typeof keptFiles>,
	tick: () => Promise<void>,
): AsyncGenerator<string> {
	for (const path of filesIn(directory)) {
		const ignored = isImageFile(path) ? null : formatOfFile(path);
		const isToVerify = isImageFile(path) ? !verified?.has(path) : removeUnsupported && ignored?.decoder === null;
		if (isToVerify) {
			yield path;
			continue;
		}
		if (ignored) kept.add(ignored.name, path, ", which training ignores");
		await tick();
	}
}

/** Counts kept files by format and extension. */
function keptFiles() {
	const kinds = new Map<string, { format?: string; suffix: string; files: number; example: string }>();
	return {
		add(format: string | undefined, path: string, note = ""): void {
			const extension = extensionOf(path);
			const suffix = `${extension ? `with the extension ${printable(extension)}` : "without an extension"}${note}`;
			const key = `${format} ${suffix}`;
			const kind = kinds.get(key) ?? { format, suffix, files: 0, example: path };
			kind.files++;
			kinds.set(key, kind);
		},
		print(): void {
			for (const { format, suffix, files, example } of kinds.values()) {
				console.log(
					`Kept ${files} ${format} ${files === 1 ? "file" : "files"} ${suffix}, for example ${printable(example)}`,
				);
			}
		},
	};
}
