// Which notebooks of a run are done, so that the same command goes on with the next one after an interrupt or an error.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOfJson } from "../../src/support/files";
import type { NotebookArguments } from "../run/arguments";
import { at } from "../setup/paths.mjs";

/** The file of a run that has not ended: a hash of what it depends on, and a line for each notebook that is done. */
export const unfinishedFile = (reports: string) => join(reports, ".unfinished");

/**
 * Notes that a run has begun.
 *
 * @returns the notebooks that the same command has done before it was interrupted, if code and data are as they were then
 */
export function resume({ notebooks, parameters, noInput, reports, dataset, restart }: NotebookArguments): string[] {
	const file = unfinishedFile(reports);
	const code = [...notebooks.map((name) => at("notebooks", `${name}.ipynb`)), ...pathsBelow(at("src"))].filter(isFile);
	const key = hashOfJson([notebooks, parameters, noInput, dataset, code.map((path) => readFileSync(path, "utf8"))]);
	if (!restart && existsSync(file)) {
		const [earlier, ...done] = readFileSync(file, "utf8").trim().split("\n");
		if (earlier === key && latestChange(dataset) <= lstatSync(file).mtimeMs) return done;
	}
	mkdirSync(reports, { recursive: true });
	writeFileSync(file, `${key}\n`);
	return [];
}

/** Notes that a run has ended. */
export const finish = (reports: string) => rmSync(unfinishedFile(reports), { force: true });

const pathsBelow = (folder: string) =>
	readdirSync(folder, { encoding: "utf8", recursive: true })
		.sort()
		.map((path) => join(folder, path));

const isFile = (path: string) => lstatSync(path).isFile();

/** When a file below a folder was last written, added or removed. */
const latestChange = (folder: string) =>
	pathsBelow(folder).reduce((latest, path) => Math.max(latest, lstatSync(path).mtimeMs), lstatSync(folder).mtimeMs);
