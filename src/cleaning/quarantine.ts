// Moves files to quarantine and restores them from its manifest.
import {
	closeSync,
	existsSync,
	fstatSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { QUARANTINE, QUARANTINE_MANIFEST } from "../images/folders";
import { pathExists, sha256OfFile, writeFileAtomically } from "../support/files";
import type { Reason } from "./verify";

/** A file that was set aside: a line of the quarantine's manifest. */
export interface RemovedFile {
	/** Where the file was, relative to the cleaned folder. */
	path: string;
	reason: Reason;
	/** What the decoder or the system said. */
	detail: string;
	/** The file's size in bytes. */
	bytes: number;
	/** The SHA-256 of its content in hexadecimal digits; `null` if it could not be read. */
	sha256: string | null;
	/** When it was set aside, as ISO 8601. */
	time: string;
	/** Where it is now, relative to the quarantine. */
	file: string;
}

/**
 * The quarantine of a folder: `quarantine/<folder>` beside it, or inside where the folder is a file system of its own.
 * Moving a file within a file system is one step, which happens or does not.
 */
export function quarantineOf(directory: string): string {
	const folder = existsSync(directory) ? realpathSync(directory) : resolve(directory);
	const parent = dirname(folder);
	const isMounted = existsSync(folder) && statSync(folder).dev !== statSync(parent).dev;
	return join(isMounted ? folder : parent, QUARANTINE, basename(folder));
}

/**
 * Moves a file to the quarantine of the folder that is cleaned.
 *
 * @throws when it cannot be moved; it is where it was then
 */
export async function moveToQuarantine(
	directory: string,
	path: string,
	why: { reason: Reason; detail: string },
): Promise<void> {
	const folder = quarantineOf(directory);
	const name = relative(directory, path);
	try {
		const file = freeName(folder, name);
		mkdirSync(dirname(join(folder, file)), { recursive: true });
		const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
		const time = new Date().toISOString();
		// The note comes first: a run killed in between leaves a line too many, not a file without one.
		note(folder, { path: name, ...why, bytes, sha256: await hashOf(path), time, file });
		renameSync(path, join(folder, file));
	} catch (error) {
		throw new Error(`cannot move ${path} to ${folder}: ${whyNot(error as NodeJS.ErrnoException)}`);
	}
}

/**
 * Lists the files that `cleanTheData` has set aside from a folder, oldest first.
 *
 * @param directory the folder that was cleaned
 */
export function quarantined(directory: string): RemovedFile[] {
	const folder = quarantineOf(directory);
	const manifest = join(folder, QUARANTINE_MANIFEST);
	if (!existsSync(manifest)) return [];
	const files = readFileSync(manifest, "utf8").split("\n").flatMap(parsed);
	// After a run that was killed, a line can be without its file, and a file can have two lines.
	const latest = new Map(files.map((removed) => [removed.file, removed]));
	return [...latest.values()].filter(({ file }) => pathExists(join(folder, file)));
}

/** Where a removed file is now. */
export function quarantinePath(directory: string, removed: RemovedFile): string {
	return join(quarantineOf(directory), removed.file);
}

/**
 * Moves quarantined files back to where they were, never over a file that is there now.
 *
 * @param directory the folder that was cleaned
 * @param paths which files, as the `path` that `quarantined` gives. Default: all
 * @returns how many files were moved back
 */
export function restore(directory: string, paths?: string[]): number {
	const staying: RemovedFile[] = [];
	let restored = 0;
	for (const removed of quarantined(directory)) {
		const target = join(directory, removed.path);
		if ((paths && !paths.includes(removed.path)) || pathExists(target)) {
			staying.push(removed);
			continue;
		}
		mkdirSync(dirname(target), { recursive: true });
		renameSync(quarantinePath(directory, removed), target);
		restored++;
	}
	if (restored > 0) keepOnly(staying, quarantineOf(directory));
	return restored;
}

/** Writes the manifest anew, whole or not at all. */
function keepOnly(files: RemovedFile[], folder: string): void {
	const manifest = join(folder, QUARANTINE_MANIFEST);
	writeFileAtomically(manifest, files.map(toLine).join(""));
	if (files.length === 0) rmSync(manifest);
}

/** Adds a line to the manifest, and waits until it is on the disk. */
function note(folder: string, removed: RemovedFile): void {
	const file = openSync(join(folder, QUARANTINE_MANIFEST), "a+");
	try {
		const { size } = fstatSync(file);
		const last = Buffer.alloc(1);
		if (size > 0) readSync(file, last, 0, 1, size - 1);
		// A full disk can have cut the last line short.
		const isCut = size > 0 && last.toString() !== "\n";
		writeSync(file, (isCut ? "\n" : "") + toLine(removed));
		fsyncSync(file);
	} finally {
		closeSync(file);
	}
}

const toLine = (removed: RemovedFile) => `${JSON.stringify(removed)}\n`;

function parsed(line: string): RemovedFile[] {
	try {
		const removed = JSON.parse(line) as RemovedFile;
		// Manifests of earlier versions have no `file`.
		return [{ ...removed, file: removed.file ?? removed.path }];
	} catch {
		return [];
	}
}

/** A name that no file in quarantine has: a file of the same name may have been set aside before. */
function freeName(folder: string, name: string): string {
	const ending = extname(name);
	const stem = name.slice(0, name.length - ending.length);
	for (let i = 1; ; i++) {
		const candidate = i === 1 ? name : `${stem} (${i})${ending}`;
		if (!pathExists(join(folder, candidate))) return candidate;
	}
}

async function hashOf(path: string): Promise<string | null> {
	// A pipe would be waited for, forever.
	const isFile = statSync(path, { throwIfNoEntry: false })?.isFile();
	return isFile ? sha256OfFile(path).catch(() => null) : null;
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
	if (["EACCES", "EPERM", "EROFS"].includes(code ?? "")) {
		return `the folder is read-only (${code}); make it writable, or only look with { dryRun: true }`;
	}
	if (code === "EXDEV") return "it is on another file system than the folder that is cleaned; clean it by itself";
	return message;
}
