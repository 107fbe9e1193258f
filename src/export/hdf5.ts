// HDF5 files of named arrays, by the HDF5 library itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dataset, File, Group } from "h5wasm/node";

/** A float32 array by its path in the file, as `layers/conv2d/vars/0`. */
export type NamedArray = { path: string; shape: number[]; values: Float32Array };

/** Returns the bytes of an HDF5 file that holds arrays. */
export async function writeHdf5(arrays: NamedArray[]): Promise<Uint8Array> {
	return inFile(null, "w", (file) => {
		const groups = new Set<string>();
		for (const { path, shape, values } of arrays) {
			const parts = path.split("/").slice(0, -1);
			for (const i of parts.keys()) {
				const group = parts.slice(0, i + 1).join("/");
				if (!groups.has(group)) file.create_group(group);
				groups.add(group);
			}
			file.create_dataset({ name: path, data: values, shape, dtype: "<f" });
		}
	}).then(({ bytes }) => bytes);
}

/** Returns the arrays in the bytes of an HDF5 file, in the order of their paths. @throws when they are none of HDF5 */
export async function readHdf5(bytes: Uint8Array): Promise<NamedArray[]> {
	// The library would print a page about it.
	if (!SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length))) throw new Error("the weights are no HDF5 file");
	const { result } = await inFile(bytes, "r", (file) => [...arraysIn(file, "")]);
	return result;
}

const SIGNATURE = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");

function* arraysIn(group: Group, above: string): Generator<NamedArray> {
	for (const name of group.keys()) {
		const path = `${above}${name}`;
		const entity = group.get(name);
		if (entity && "keys" in entity) yield* arraysIn(entity as Group, `${path}/`);
		else if (entity && "shape" in entity) {
			const { value, shape } = entity as Dataset;
			yield { path, shape: shape ?? [], values: Float32Array.from(value as Iterable<number>) };
		}
	}
}

/** The library reads and writes files: this one is temporary. */
async function inFile<T>(bytes: Uint8Array | null, mode: "r" | "w", use: (file: File) => T) {
	const { File, ready } = await library();
	await ready;
	const folder = mkdtempSync(join(tmpdir(), "hdf5-"));
	const path = join(folder, "weights.h5");
	try {
		if (bytes) writeFileSync(path, bytes);
		const file = new File(path, mode);
		let result: T;
		try {
			result = use(file);
		} finally {
			file.close();
		}
		return { result, bytes: new Uint8Array(readFileSync(path)) };
	} finally {
		rmSync(folder, { recursive: true });
	}
}

const library = () => import("h5wasm/node");
