// One hash for the contents of a data set.
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { filesIn, isImageFile } from "../images/folders";
import { sha256OfFile } from "../support/files";
import { countImages } from "./directory";

/**
 * Returns one SHA-256, in hexadecimal digits, of the names and contents of the training and validation images.
 *
 * @param dataset the folder with `train` and `valid`
 * @throws when one of them is missing or has no images
 */
export async function fingerprint(dataset: string): Promise<string> {
	const hash = createHash("sha256");
	const splits = ["train", "valid"];
	// Only for its errors.
	countImages(dataset, splits);
	for (const split of splits) {
		for (const path of [...filesIn(join(dataset, split))].filter(isImageFile).sort()) {
			hash.update(`${relative(dataset, path)}\0${await sha256OfFile(path)}\n`);
		}
	}
	return hash.digest("hex");
}
