// What tells one data set, or one sweep, from another.
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { sha256 } from "../cleaning/quarantine";
import { filesIn, isRead } from "../images/folders";
import { countImages } from "./dataset";

/**
 * The names and contents of the pictures to train and validate with, as one hash.
 *
 * @throws when there are none to train with
 */
export async function fingerprint(dataset: string): Promise<string> {
	const hash = createHash("sha256");
	const splits = ["train", "valid"];
	countImages(dataset, splits);
	for (const split of splits) {
		for (const path of [...filesIn(join(dataset, split))].filter(isRead).sort()) {
			hash.update(`${relative(dataset, path)}\0${await sha256(path)}\n`);
		}
	}
	return hash.digest("hex");
}

/** A name for anything that JSON can hold. */
export const hashOf = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
