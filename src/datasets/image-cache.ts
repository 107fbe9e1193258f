// Cache of decoded images in memory, then on disk.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";

/** A cache of packed images, by index. */
export interface ImageCache {
	has(image: number): boolean;
	/** Returns a cached image. Requires `has(image)`. */
	get(image: number): Int32Array;
	/** Caches an image. Its array must not change afterwards. */
	set(image: number, bytes: Int32Array): void;
}

/** The memory and the file of a cache, released when the cache is garbage-collected. */
type Occupied = { bytes: number; file: number | null };

let bytesInMemory = 0;
const caches = new FinalizationRegistry<Occupied>(({ bytes, file }) => {
	bytesInMemory -= bytes;
	if (file !== null) closeSync(file);
});

/**
 * Returns an empty cache. Images above the memory limit go to a temporary file, which is deleted with the process. When the
 * disk is full, further images are not cached.
 *
 * @param length the number of int32 of an image
 * @param limit memory of all caches together, in bytes. Default: a quarter of the machine's memory
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
			const cached = inMemory.get(image);
			if (cached) return cached;
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
				diskIsFull = !tryWrite(occupied.file, bytes, position);
				if (!diskIsFull) onDisk.set(image, position);
			}
		},
	};
	caches.register(cache, occupied);
	return cache;
}

/** Opens a file without a name: the system deletes it when it is closed, even after a crash. */
function temporaryFile(): number {
	const path = join(tmpdir(), `images-${randomUUID()}`);
	const file = openSync(path, "wx+", 0o600);
	rmSync(path);
	return file;
}

/** Returns false when the disk is full, or a quota or limit is reached. */
function tryWrite(file: number, bytes: Int32Array, position: number): boolean {
	try {
		return writeSync(file, bytes, 0, bytes.byteLength, position) === bytes.byteLength;
	} catch (error) {
		if (["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
		throw error;
	}
}
