// Features on disk, by the content of the images: they outlive the process, and need not fit in memory.
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { writeError } from "../support/writing";

/** Bytes of a key, a SHA-256. */
const KEY = 32;
const EXTENSION = ".features";

/** A store of vectors of one length, by key: a SHA-256 in hexadecimal digits. */
export interface FeatureStore {
	has(key: string): boolean;
	/** Reads the vectors of keys that are there, one after the other. */
	read(keys: string[]): Float32Array;
	/** Adds vectors, one after the other. They are on the disk afterwards. */
	add(keys: string[], vectors: Float32Array): void;
}

/** Where a vector is. */
type Place = { file: string; position: number };

/**
 * Opens the store in a folder, and creates it if it is missing.
 *
 * Several processes can use it at once: each appends to a file of its own. A record is a vector and then its key, so one
 * that was only partly written is not found.
 *
 * @param length number of values in a vector, float32
 * @throws when the folder cannot be written to
 */
export function openFeatureStore(folder: string, length: number): FeatureStore {
	const record = 4 * length + KEY;
	const places = new Map<string, Place>();
	try {
		mkdirSync(folder, { recursive: true });
	} catch (error) {
		throw writeError(folder, error);
	}
	for (const name of readdirSync(folder)) {
		if (!name.endsWith(EXTENSION)) continue;
		const file = join(folder, name);
		keysOf(file, record).forEach((key, i) => {
			places.set(key, { file, position: i * record });
		});
	}
	const own = join(folder, `${process.pid}-${Date.now()}${EXTENSION}`);
	return {
		has: (key) => places.has(key),
		read: (keys) =>
			readVectors(
				keys.map((key) => places.get(key) as Place),
				length,
			),
		add(keys, vectors) {
			const start = append(own, recordsOf(keys, vectors, length));
			keys.forEach((key, i) => {
				places.set(key, { file: own, position: start + i * record });
			});
		},
	};
}

/** Reads the keys of a file's whole records. */
function keysOf(file: string, record: number): string[] {
	return withFile(file, "r", (descriptor) => {
		const records = Math.floor(fstatSync(descriptor).size / record);
		const key = Buffer.alloc(KEY);
		return Array.from({ length: records }, (_, i) => {
			readSync(descriptor, key, 0, KEY, (i + 1) * record - KEY);
			return key.toString("hex");
		});
	});
}

function readVectors(places: Place[], length: number): Float32Array {
	const vectors = new Float32Array(places.length * length);
	const files = new Map<string, number>();
	try {
		places.forEach(({ file, position }, i) => {
			const descriptor = files.get(file) ?? openSync(file, "r");
			files.set(file, descriptor);
			readSync(descriptor, vectors.subarray(i * length, (i + 1) * length), { position });
		});
	} finally {
		for (const descriptor of files.values()) closeSync(descriptor);
	}
	return vectors;
}

function recordsOf(keys: string[], vectors: Float32Array, length: number): Buffer {
	const records = keys.flatMap((key, i) => {
		const vector = vectors.subarray(i * length, (i + 1) * length);
		return [Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength), Buffer.from(key, "hex")];
	});
	return Buffer.concat(records);
}

/** Appends to a file, and returns where. */
function append(file: string, bytes: Buffer): number {
	try {
		return withFile(file, "a", (descriptor) => {
			const { size } = fstatSync(descriptor);
			writeSync(descriptor, bytes);
			return size;
		});
	} catch (error) {
		throw writeError(file, error, bytes.length);
	}
}

function withFile<T>(file: string, flags: string, work: (descriptor: number) => T): T {
	const descriptor = openSync(file, flags);
	try {
		return work(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
