// What a source of images holds, and how messages name it.
import { isHidden, isImageFile } from "../../src/images/folders";
import { printable } from "../../src/support/text";

/** An image in a source: its path there, with slashes, and the file that has its bytes. */
export type ImageEntry = { path: string; kind: "image"; file: string };

/** Something in a source; an `image` is a file with an extension that training reads. */
export type Entry = ImageEntry | { path: string; kind: "folder" | "link" | "other" };

/**
 * Classifies a path in a source by its name.
 *
 * @param path with slashes, relative to the source
 * @param file where the bytes of an image are, or will be
 * @returns the entry, or `null` for hidden files and helper folders, which are ignored
 */
export function entryFor(path: string, isFolder: boolean, file: string): Entry | null {
	if (path === "" || path.split("/").some(isHidden)) return null;
	if (isFolder) return { path, kind: "folder" };
	return isImageFile(path) ? { path, kind: "image", file } : { path, kind: "other" };
}

export const isImage = (entry: Entry): entry is ImageEntry => entry.kind === "image";

/** The paths of the first five entries. */
export function firstPaths(entries: Entry[]): string {
	const paths = entries.slice(0, 5).map(({ path }) => printable(path));
	return paths.join(", ") + (entries.length > paths.length ? ", …" : "");
}
