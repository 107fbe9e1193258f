// The entries of a folder that the user gives, and what of a source is left out.
import { readdirSync, realpathSync, type Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { isQuarantine, isUnopenable } from "../../src/images/folders";
import { formatOfFile } from "../../src/images/formats";
import { statOrNull } from "../../src/support/files";
import { counted } from "../../src/support/format";
import { type Entry, entryFor, firstPaths, isImage } from "./entries";

/**
 * Yields the entries of a folder. As in training, links to images are images, and links to folders are class folders; but
 * what a link inside the source leads to is in the list already.
 *
 * @param levels how many levels of folders below can be class folders
 */
export function* entriesOf(source: string, folder = source, above = "", levels = 2): Generator<Entry> {
	for (const item of readdirSync(folder, { withFileTypes: true })) {
		const file = join(folder, item.name);
		const target = statOrNull(file);
		const entry = entryFor(above + item.name, target?.isDirectory() ?? item.isDirectory(), file);
		if (entry === null) continue;
		if (isUnopenable(file)) throw new Error(`${file} has a name that is not UTF-8: rename it.`);
		if (item.isDirectory() && isQuarantine(file)) continue;
		const { path } = entry;
		if (item.isSymbolicLink() && !isFollowed(source, file, target, levels)) yield { path, kind: "link" };
		else if (target?.isDirectory()) {
			yield entry;
			yield* entriesOf(source, file, `${path}/`, levels - 1);
		} else yield target?.isFile() ? entry : { path, kind: "other" };
	}
}

function isFollowed(source: string, link: string, target: Stats | null, levels: number): boolean {
	if (!target || (target.isDirectory() && levels <= 0)) return false;
	return !isWithin(realpathSync(link), realpathSync(source));
}

/** Returns whether a path is a folder or in it. Both are paths without links. */
export const isWithin = (path: string, folder: string) => relative(folder, path).split(sep)[0] !== "..";

/** Leaves out files that only have an image's name, and says which. What is damaged stays: cleaning says what is wrong. */
export function imagesByContent(entries: Entry[]): Entry[] {
	const isNone = (entry: Entry) => isImage(entry) && formatOfFile(entry.file) === null;
	const none = entries.filter(isNone);
	const what = "with an image's extension that cannot be read as an image";
	if (none.length > 0) console.log(`skipped ${counted(none.length, "file")} ${what}: ${firstPaths(none)}`);
	return entries.filter((entry) => !isNone(entry));
}

/** Says which files and links are left out. */
export function reportSkipped(entries: Entry[]): void {
	const others = entries.filter(({ kind }) => kind === "other");
	const links = entries.filter(({ kind }) => kind === "link");
	const what = others.length === 1 ? "is not an image" : "are not images";
	if (others.length > 0) console.log(`skipped ${counted(others.length, "file")} that ${what}: ${firstPaths(others)}`);
	if (links.length > 0) console.log(`skipped ${counted(links.length, "symbolic link")}: ${firstPaths(links)}`);
}
