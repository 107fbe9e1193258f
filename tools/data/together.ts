// Which images must not be in two splits: those of one source, by their names or because they are the same.
import { statSync } from "node:fs";
import { sourceGroups } from "../../src/datasets/sampling";
import { sha256OfFile } from "../../src/support/files";
import { groupBy } from "../../src/support/iteration";
import type { ImageEntry } from "./entries";

/** Returns the number of each image's source by its file. */
export async function sourcesOf(images: ImageEntry[]): Promise<Map<string, number>> {
	const files = images.map(({ file }) => file);
	const copies: string[][] = [];
	for (const alike of groupBy(files, (file) => statSync(file).size)) {
		if (alike.length === 1) continue;
		const hashes = new Map<string, string>();
		for (const file of alike) hashes.set(file, await sha256OfFile(file));
		copies.push(...groupBy(alike, (file) => hashes.get(file) as string));
	}
	const groups = sourceGroups(files, copies);
	return new Map(files.map((file, i) => [file, groups[i]]));
}
