// Moves files to quarantine and restores them from its manifest.
import {
	constants,
	copyFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	unlinkSync,
} from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { QUARANTINE, QUARANTINE_MANIFEST, resolveSplit, systemPath } from "../images/folders";
import { isReadable, pathExists, sha256OfFile, statOrNull, writeFileAtomically } from "../support/files";
import { appendJsonLines, jsonLines } from "../support/json-lines";
import type { Reason } from "./verify";

/** A quarantined file: a line of the manifest. */
export interface RemovedFile {
	/** The original path, relative to the cleaned folder. In a name that is not UTF-8 bytes are percent-encoded. */
	path: string;
	/** Why the file was removed. */
	reason: Reason;
	/** The message of the decoder or the system. */
	detail: string;
	/** The file's size in bytes. */
	bytes: number;
	/** The SHA-256 of its content in hexadecimal digits; `null` if it could not be read. */
	sha256: string | null;
	/** The time of removal, as ISO 8601. */
	time: string;
	/** The present path, relative to the quarantine. */
	file: string;
}

/**
 * Returns the quarantine of a folder: `quarantine/<folder>` next to it, or inside it when the folder is a mount point. Within
 * a file system a move is atomic.
 */
export function quarantineOf(given: string): string {
	const directory = resolveSplit(given);
	const folder = existsSync(directory) ? realpathSync(directory) : resolve(directory);
	const parent = dirname(folder);
	const isMounted = existsSync(folder) && statSync(folder).dev !== statSync(parent).dev;
	return join(isMounted ? folder : parent, QUARANTINE, basename(folder));
}

/**
 * Moves a file to the quarantine of a folder and records it in the manifest.
 *
 * @param directory the cleaned folder
 * @returns false when there is no such file: another run may have moved it
 * @throws when the file cannot be moved; it stays where it is
 */
export async function moveToQuarantine(
	directory: string,
	path: string,
	why: { reason: Reason; detail: string },
): Promise<boolean> {
	const folder = quarantineOf(directory);
	const source = systemPath(path);
	if (source === null) return false;
	const name = relative(directory, typeof source === "string" ? source : percentEncoded(source));
	try {
		const file = unusedName(folder, name);
		mkdirSync(dirname(join(folder, file)), { recursive: true });
		const bytes = statOrNull(path)?.size ?? 0;
		const time = new Date().toISOString();
		// Recorded first: a run that is killed in between leaves a line without a file, not a file without a line.
		const removed: RemovedFile = { path: name, ...why, bytes, sha256: await sha256IfReadable(path), time, file };
		appendJsonLines(join(folder, QUARANTINE_MANIFEST), [removed]);
		move(source, join(folder, file));
		return true;
	} catch (error) {
		if (systemPath(path) === null) return false;
		throw new Error(`cannot move ${path} to ${folder}: ${moveError(error as NodeJS.ErrnoException)}`);
	}
}

/** Deletes a file; false when there is no such file. */
export function deleteFile(path: string): boolean {
	const file = systemPath(path);
	if (file !== null) unlinkSync(file);
	return file !== null;
}

/** Renames a file, or copies and deletes it when a class folder is a link to another file system. */
function move(source: string | Buffer, target: string): void {
	try {
		renameSync(source, target);
	} catch (error) {
		const isFile = typeof source === "string" && isReadable(source);
		if ((error as NodeJS.ErrnoException).code !== "EXDEV" || !isFile) throw error;
		copyFileSync(source, target, constants.COPYFILE_EXCL);
		unlinkSync(source);
	}
}

/** Returns a path whose name is not UTF-8 as text. */
const percentEncoded = (path: Buffer) =>
	join(
		path.subarray(0, path.lastIndexOf("/")).toString(),
		path
			.subarray(path.lastIndexOf("/") + 1)
			.toString("latin1")
			.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`),
	);

/**
 * Lists the quarantined files of a folder, oldest first.
 *
 * @param directory the cleaned folder
 */
export function quarantined(directory: string): RemovedFile[] {
	const folder = quarantineOf(directory);
	const manifest = join(folder, QUARANTINE_MANIFEST);
	if (!existsSync(manifest)) return [];
	const files = readFileSync(manifest, "utf8").split("\n").flatMap(parseLine);
	// A run that was killed, or two at once, can leave a line without a file, or two lines for one file: the later without a
	// hash when the file was already gone.
	const latest = new Map<string, RemovedFile>();
	for (const removed of files) if (removed.sha256 || !latest.has(removed.file)) latest.set(removed.file, removed);
	return [...latest.values()].filter(({ file }) => pathExists(join(folder, file)));
}

/**
 * Returns the present path of a quarantined file.
 *
 * @param directory the cleaned folder
 */
export function quarantinePath(directory: string, removed: RemovedFile): string {
	return join(quarantineOf(directory), removed.file);
}

/**
 * Moves quarantined files back to their original paths. Files whose path exists again stay in quarantine.
 *
 * @param directory the cleaned folder
 * @param paths the files to restore, as `path` of `quarantined`. Default: all
 * @returns the number of restored files
 */
export function restore(directory: string, paths?: string[]): number {
	const remaining: RemovedFile[] = [];
	let restored = 0;
	const folder = resolveSplit(directory);
	for (const removed of quarantined(folder)) {
		const target = join(folder, removed.path);
		if ((paths && !paths.includes(removed.path)) || pathExists(target)) {
			remaining.push(removed);
			continue;
		}
		mkdirSync(dirname(target), { recursive: true });
		move(quarantinePath(folder, removed), target);
		restored++;
	}
	if (restored > 0) rewriteManifest(remaining, quarantineOf(folder));
	return restored;
}

/** Replaces the manifest atomically; deletes it when no file is left. */
function rewriteManifest(files: RemovedFile[], folder: string): void {
	const manifest = join(folder, QUARANTINE_MANIFEST);
	writeFileAtomically(manifest, jsonLines(files));
	if (files.length === 0) rmSync(manifest);
}

function parseLine(line: string): RemovedFile[] {
	try {
		const removed = JSON.parse(line) as RemovedFile;
		// Manifests of earlier versions lack `file`.
		return [{ ...removed, file: removed.file ?? removed.path }];
	} catch {
		return [];
	}
}

/** Returns a name that no quarantined file has: a file of the same name may have been quarantined before. */
function unusedName(folder: string, name: string): string {
	const extension = extname(name);
	const stem = name.slice(0, name.length - extension.length);
	for (let i = 1; ; i++) {
		const candidate = i === 1 ? name : `${stem} (${i})${extension}`;
		if (!pathExists(join(folder, candidate))) return candidate;
	}
}

const sha256IfReadable = (path: string) => sha256OfFile(path).catch(() => null);

function moveError({ code, message }: NodeJS.ErrnoException): string {
	if (["EACCES", "EPERM", "EROFS"].includes(code ?? "")) {
		return `the folder is read-only (${code}); make it writable, or only report with { dryRun: true }`;
	}
	if (code === "EXDEV") return "it is on another file system, and not a regular file; remove it yourself";
	return message;
}
