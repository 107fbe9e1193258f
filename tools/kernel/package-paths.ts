// Which paths are those of packages.
import { existsSync } from "node:fs";
import { basename } from "node:path";

/** Whether a file has declarations of a package or of TypeScript itself. */
export function isPackageTypes(path: string): boolean {
	return path.includes("/node_modules/") && /\.d\.[cm]?ts$/.test(path);
}

/** Whether no file at `path` is the converter's: neither a module in memory nor its own package. */
export const isForeignPackage = (path: string) =>
	path.includes("/node_modules/") && !path.includes("/node_modules/tslab");

/**
 * Whether packages are installed in a folder. Each installation changes a file or a folder right there, whose watching
 * needs no look into every package.
 */
export const isPackageFolder = (path: string) => basename(path) === "node_modules" && existsSync(path);
