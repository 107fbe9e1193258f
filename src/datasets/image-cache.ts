// Cache of decoded images: in memory up to a limit, then on disk.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";

/** Images by their number, all of one size. */
export interface ImageCache {
	has(image: number): boolean;
	/** An image that the cache has. */
	get(image: number): Int32Array;
	/** Keeps the image, which must not change afterwards. */
	set(image: number, bytes: Int32Array): void;
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
 * @param length how many int32 an image has, each four bytes of it
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
		has: (image) => inMemory.has(image) || onDisk.has(image),
		get(image) {
			const known = inMemory.get(image);
			if (known) return known;
			const bytes = new Int32Array(length);
			readSync(occupied.file as number, bytes, 0, size, onDisk.get(image) as number);
			return bytes;
		},
		set(image, bytes) {
			if (bytesInMemory + size <= limit) {
				inMemory.set(image, bytes);
				bytesInMemory += size;
				occupied.bytes += size;
			} else if (!diskIsFull) {
				const position = onDisk.size * size;
				occupied.file ??= temporaryFile();
				diskIsFull = !wrote(occupied.file, bytes, position);
				if (!diskIsFull) onDisk.set(image, position);
			}
		},
	};
	caches.register(cache, occupied);
	return cache;
}

/** A file without a name: it is gone as soon as nobody has it open. */
function temporaryFile(): number {
	const path = join(tmpdir(), `images-${randomUUID()}`);
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
