// Cache of decoded images: in memory up to a limit, then on disk.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";

/** Pictures by their number, all of one size. */
export interface ImageCache {
	has(picture: number): boolean;
	/** A picture that the cache has. */
	get(picture: number): Int32Array;
	/** Keeps the picture, which must not change afterwards. */
	set(picture: number, bytes: Int32Array): void;
}

/** What a cache occupies, to be given back when the cache is gone. */
type Occupied = { bytes: number; file: number | null };

let bytesInMemory = 0;
const caches = new FinalizationRegistry<Occupied>(({ bytes, file }) => {
	bytesInMemory -= bytes;
	if (file !== null) closeSync(file);
});

/**
 * Makes an empty cache.
 *
 * @param length how many int32 a picture has, each four bytes of it
 * @param limit how many bytes all caches together may keep in memory. Default a quarter of the machine's memory. What
 *   is above goes to a file in the folder for temporary files, which ends with the process; what a full disk does not
 *   take is not kept
 */
export function imageCache(length: number, limit = totalmem() / 4): ImageCache {
	const size = 4 * length;
	const inMemory = new Map<number, Int32Array>();
	const onDisk = new Map<number, number>();
	const occupied: Occupied = { bytes: 0, file: null };
	let diskIsFull = false;
	const cache: ImageCache = {
		has: (picture) => inMemory.has(picture) || onDisk.has(picture),
		get(picture) {
			const known = inMemory.get(picture);
			if (known) return known;
			const bytes = new Int32Array(length);
			readSync(occupied.file as number, bytes, 0, size, onDisk.get(picture) as number);
			return bytes;
		},
		set(picture, bytes) {
			if (bytesInMemory + size <= limit) {
				inMemory.set(picture, bytes);
				bytesInMemory += size;
				occupied.bytes += size;
			} else if (!diskIsFull) {
				const position = onDisk.size * size;
				occupied.file ??= temporaryFile();
				diskIsFull = !wrote(occupied.file, bytes, position);
				if (!diskIsFull) onDisk.set(picture, position);
			}
		},
	};
	caches.register(cache, occupied);
	return cache;
}

/** A file without a name: it is gone as soon as nobody has it open. */
function temporaryFile(): number {
	const path = join(tmpdir(), `pictures-${randomUUID()}`);
	const file = openSync(path, "wx+", 0o600);
	rmSync(path);
	return file;
}

function wrote(file: number, bytes: Int32Array, position: number): boolean {
	try {
		return writeSync(file, bytes, 0, bytes.byteLength, position) === bytes.byteLength;
	} catch (error) {
		if (["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
		throw error;
	}
}
