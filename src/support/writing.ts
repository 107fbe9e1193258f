// Why a file or a folder cannot be written: what is free, what is needed, what to do.
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Checks that a folder can be written to, and creates it.
 *
 * @param bytes bytes that will be written to it at least. Default 0
 * @throws when it cannot, or when its disk has less space
 */
export function requireWritable(folder: string, bytes = 0): void {
	try {
		mkdirSync(folder, { recursive: true });
		accessSync(folder, constants.W_OK);
	} catch (error) {
		throw writeError(folder, error);
	}
	if (freeBytes(folder) < bytes) throw writeError(folder, { code: "ENOSPC" }, bytes);
}

/**
 * Returns the error for a file or folder that cannot be written, in one line.
 *
 * @param error what the file system threw
 * @param bytes bytes that were to be written. Default 0
 */
export function writeError(path: string, error: unknown, bytes = 0): Error {
	return new Error(`${path} cannot be written: ${writeReason(path, error, bytes)}`);
}

/** Returns the reason in the message of `writeError`; the message of an error that is not the file system's. */
export function writeReason(path: string, error: unknown, bytes = 0): string {
	const folder = existingFolder(path);
	const { code, message } = whyNot(folder, error as NodeJS.ErrnoException);
	return REASONS[code ?? ""]?.(folder, bytes) ?? message;
}

const elsewhere = "choose another folder";
const notAllowed = (folder: string) => `${folder} belongs to another user; change its permissions, or ${elsewhere}`;
const REASONS: Record<string, (folder: string, bytes: number) => string> = {
	ENOSPC: (folder, bytes) =>
		`the disk is full: ${size(freeBytes(folder))} free, ${bytes ? size(bytes) : "more"} needed; free some space, or ${elsewhere}`,
	EDQUOT: (_, bytes) => `your quota is used up: ${size(bytes)} needed; free some space, or ${elsewhere}`,
	EFBIG: (_, bytes) => `files of ${size(bytes)} are not allowed here; raise the limit (ulimit -f)`,
	EROFS: (folder) => `the disk of ${folder} is read-only; ${elsewhere}`,
	EACCES: notAllowed,
	EPERM: notAllowed,
	ENOTDIR: (folder) => `${folder} is a file; ${elsewhere}`,
	EEXIST: (folder) => `${folder} is a file; ${elsewhere}`,
};

/** Returns the nearest path above, or the path itself, that exists. */
const existingFolder = (path: string): string =>
	existsSync(path) || path === dirname(path) ? path : existingFolder(dirname(path));

/** `mkdirSync` says that there is no such folder when the one above is read-only: asks that one. */
function whyNot(folder: string, error: NodeJS.ErrnoException): { code?: string; message: string } {
	if (error.code !== "ENOENT") return error;
	try {
		accessSync(folder, constants.W_OK);
		return error;
	} catch (cause) {
		return cause as NodeJS.ErrnoException;
	}
}

function freeBytes(folder: string): number {
	const { bavail, bsize } = statfsSync(folder);
	return bavail * bsize;
}

const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
