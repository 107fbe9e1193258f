// Hashes for the contents of a data set.
import { createHash, type Hash } from "node:crypto";
import { relative } from "node:path";
import { TRAINING_SPLITS } from "../images/folders";
import { sha256OfFile } from "../support/files";
import { indexSplits } from "./directory";
import type { Index } from "./types";

/**
 * Returns one SHA-256, in hexadecimal digits, of the names, labels and contents of the images that training reads.
 *
 * @param dataset the folder with the splits
 * @param splits the splits to read. Default `["train", "valid"]`
 * @throws when one of them is missing or has no images, or their classes differ
 */
export async function fingerprint(dataset: string, splits: readonly string[] = TRAINING_SPLITS): Promise<string> {
	const hash = createHash("sha256");
	for (const index of indexSplits(dataset, splits)) await addFiles(hash, index, index.files);
	return hash.digest("hex");
}

/**
 * Returns a SHA-256 of the names and contents of the images of each class in each split, with their number.
 *
 * @throws as `fingerprint`
 */
export async function fingerprints(
	dataset: string,
	splits: readonly string[],
): Promise<{ split: string; class: string; images: number; sha256: string }[]> {
	const rows = [];
	for (const index of indexSplits(dataset, splits)) {
		for (const [label, name] of index.classNames.entries()) {
			const [hash, files] = [createHash("sha256"), index.files.filter((file) => file.label === label)];
			await addFiles(hash, index, files);
			rows.push({ split: index.split, class: name, images: files.length, sha256: hash.digest("hex") });
		}
	}
	return rows;
}

async function addFiles(
	hash: Hash,
	{ split, directory, classNames }: Index & { split: string },
	files: Index["files"],
): Promise<void> {
	for (const { path, label } of files) {
		const name = relative(directory, path).normalize("NFC");
		// The class is in the name, unless a journal says otherwise.
		const corrected = name.startsWith(`${classNames[label]}/`) ? "" : `\0${classNames[label]}`;
		hash.update(`${split}/${name}\0${await sha256OfFile(path)}${corrected}\n`);
	}
}
