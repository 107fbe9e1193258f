// Moves undecodable files to quarantine: `cleanTheData`.
import { rmSync } from "node:fs";
import { extensionOf, filesIn, isImageFile } from "../images/folders";
import { formatOfFile } from "../images/formats";
import { pathExists, requireFolder } from "../support/files";
import { count } from "../support/iteration";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { moveToQuarantine } from "./quarantine";
import { verifiedFiles } from "./verified-cache";
import { verifyImages } from "./verify";

export interface CleanOptions {
	/** Deletes the files for good in place of moving them to the quarantine. Default false. */
	permanently?: boolean;
	/** Only says what would be removed. Default false. */
	dryRun?: boolean;
	/**
	 * Also removes images of formats that training passes over because of their ending (HEIC, ICO, SVG…). Default
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
 * Removes the images of a folder that cannot be decoded in full: the Keras pipeline's `clean_the_data`, made strict and safe.
 *
 * Every file with an image's ending is decoded to its last pixel, by what training decodes it with: a file stays if and
 * only if training can read it. Files with other extensions, which training passes over, stay too, HEIC or ICO images
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
			if (format?.extensions.includes(extensionOf(path))) known?.add(path);
			else keep(`${format?.name} with the ending ${extensionOf(path)}`, path);
		} else if (pathExists(path)) {
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
			const passedOver = isImageFile(path) ? null : formatOfFile(path);
			const isToVerify = isImageFile(path) ? !known?.has(path) : removeUnsupported && passedOver?.decoder === null;
			if (isToVerify) {
				yield path;
				continue;
			}
			const ending = extensionOf(path) || "missing";
			if (passedOver) keep(`${passedOver.name} with the ending ${ending}, which training passes over`, path);
			await tick();
		}
	}
}
