// The user's images as `--dataset` takes them: split folders as they are; one folder of classes, or an archive, gets split.
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SPLITS, splitFolder } from "../../src/images/folders";
import { hashOfJson, statOrNull } from "../../src/support/files";
import { at, shown } from "../setup/paths.mjs";
import { makeDataset, RATIOS } from "./dataset";

/**
 * Splits a data set that is not split yet into a folder below `datasets/`. The images of a folder are linked there, so that
 * they take no space and cleaning moves none of the user's files. What was split before and has not changed stays.
 *
 * @param seed of the split
 * @param home where the folder is made
 * @returns the folder with train, valid and test
 */
export async function splitDataset(dataset: string, seed: number, home = at("datasets")): Promise<string> {
	const given = statOrNull(dataset);
	if (!given) return dataset;
	const isFolder = given.isDirectory();
	if (isFolder && hasSplits(dataset)) return dataset;
	const into = join(home, basename(dataset).replace(/(\.tar)?\.\w+$/, ""));
	const marker = join(into, ".source");
	const files = isFolder ? readdirSync(dataset, { encoding: "utf8", recursive: true }).sort() : [""];
	const key = hashOfJson([dataset, seed, RATIOS, files.map((path) => stateOf(join(dataset, path)))]);
	const parts = Object.values(RATIOS).join(" : ");
	if (!(existsSync(marker) && readFileSync(marker, "utf8") === key && hasSplits(into))) {
		const source = { source: dataset, label: shown(dataset), isFolder, fashion: null, isLinked: true };
		await makeDataset({ ...source, into, ratios: RATIOS, seed, maxBytes: Number.POSITIVE_INFINITY });
		writeFileSync(marker, key);
	}
	console.log(`${shown(dataset)} is split ${parts} into ${shown(into)}${isFolder ? ", as links" : ""} (seed ${seed})`);
	return into;
}

const hasSplits = (folder: string) => SPLITS.every((split) => statOrNull(splitFolder(folder, split))?.isDirectory());

function stateOf(path: string): (string | number)[] {
	const { size, mtimeMs } = lstatSync(path);
	return [path, size, mtimeMs];
}
