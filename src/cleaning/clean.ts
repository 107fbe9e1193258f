// Moves undecodable files to quarantine: `cleanTheData`.
import { rmSync } from "node:fs";
import { extensionOf, filesIn, isImageFile } from "../images/folders";
import { formatOfFile } from "../images/formats";
import { pathExists, requireFolder } from "../support/files";
import { count } from "../support/iteration";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { moveToQuarantine } from "./quarantine";
import { type VerifiedFiles, verifiedFiles } from "./verified-cache";
import { verifyImages } from "./verify";

/** Options of `cleanTheData`. */
export interface CleanOptions {
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
	 * Whether to skip files that passed verification before and have the same inode, size and modification time. They are
	 * remembered in `$XDG_CACHE_HOME`, by default `~/.cache`. Default true.
	 */
	cache?: boolean;
	/** Receives progress; `liveFileProgress()` shows a bar. `null`: no progress. Default: prints a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/**
 * Removes corrupt images from a folder: the Keras pipeline's `clean_the_data`, made strict and safe.
 *
 * Each file with an image extension is decoded in full, by the decoder that training uses: it stays if and only if training
 * can read it. Files with other extensions, which training ignores, stay too; but a HEIC file named `.jpg` is removed.
 *
 * "Removing" moves a file to `quarantine/<folder>` next to the folder and records it in a manifest; `restore` moves it back.
 * Prints a line for each removed file, the numbers of kept files whose extension does not match their format or is
 * ignored, and the number of removed files. A run that was interrupted or killed loses nothing; the next run resumes.
 *
 * @param directory for example `"dataset/train"`. Links to folders are not followed. Of a link to a corrupt file the link is
 *   removed, never the file
 * @returns the number of removed files; with `dryRun` of those that would be removed
 * @throws when the folder cannot be read or a file cannot be moved
 */
export async function cleanTheData(directory: string, options: CleanOptions = {}): Promise<number> {
	const { permanently = false, dryRun = false, cache = true } = options;
	requireFolder(directory, "clean");
	const verified = cache ? verifiedFiles(directory) : null;
	const { tick, end } = fileProgress(count(filesIn(directory)), options.onProgress);
	const kept = keptFiles();
	let corrupt = 0;
	const files = filesToVerify(directory, options, verified, kept, tick);
	for await (const { path, reason, detail, format } of verifyImages(files)) {
		await tick();
		if (!reason) {
			if (format?.extensions.includes(extensionOf(path))) verified?.add(path);
			else kept.add(format?.name, path);
		} else if (pathExists(path)) {
			corrupt++;
			console.log(`${dryRun ? "Would remove" : "Removing"} corrupt image: ${path} (${reason}: ${detail})`);
			if (dryRun) continue;
			if (permanently) rmSync(path);
			else await moveToQuarantine(directory, path, { reason, detail });
		}
	}
	verified?.save();
	end();
	kept.print();
	console.log(dryRun ? `Dry run: would remove ${corrupt} corrupt images` : `Cleaned ${corrupt} corrupt images`);
	return corrupt;
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
			const suffix = `${extension ? `with the extension ${extension}` : "without an extension"}${note}`;
			const key = `${format} ${suffix}`;
			const kind = kinds.get(key) ?? { format, suffix, files: 0, example: path };
			kind.files++;
			kinds.set(key, kind);
		},
		print(): void {
			for (const { format, suffix, files, example } of kinds.values()) {
				console.log(`Kept ${files} ${format} ${files === 1 ? "file" : "files"} ${suffix}, for example ${example}`);
			}
		},
	};
}
