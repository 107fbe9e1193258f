// One hash for the contents of a data set.
import { createHash } from "node:crypto";
import { relative } from "node:path";
import { TRAINING_SPLITS } from "../images/folders";
import { sha256OfFile } from "../support/files";
import { indexSplits } from "./directory";

/**
 * Returns one SHA-256, in hexadecimal digits, of the names and contents of the images that training reads.
 *
 * @param dataset the folder with the splits
 * @param splits the splits to read. Default `["train", "valid"]`
 * @throws when one of them is missing or has no images, or their classes differ
 */
export async function fingerprint(dataset: string, splits: readonly string[] = TRAINING_SPLITS): Promise<string> {
	const hash = createHash("sha256");
	for (const { split, directory, files } of indexSplits(dataset, splits)) {
		for (const { path } of files) {
			const name = relative(directory, path).normalize("NFC");
			hash.update(`${split}/${name}\0${await sha256OfFile(path)}\n`);
		}
	}
	return hash.digest("hex");
}
