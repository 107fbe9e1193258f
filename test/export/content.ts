// What of an export a program reads, as one hash: archives and HDF5 files also hold times.
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { readHdf5 } from "../../src/export/hdf5";

export async function sha256OfExport(path: string): Promise<string> {
	const hash = createHash("sha256");
	for (const part of await partsOf(path)) hash.update(part);
	return hash.digest("hex");
}

async function partsOf(path: string): Promise<(string | Uint8Array)[]> {
	if (statSync(path).isDirectory()) return [readFileSync(join(path, "saved_model.pb"))];
	if (!path.endsWith(".keras")) return [readFileSync(path)];
	const files = unzipSync(readFileSync(path));
	const arrays = await readHdf5(files["model.weights.h5"]);
	return [
		files["config.json"],
		...arrays.flatMap(({ path, shape, values }) => [path, shape.join(), new Uint8Array(values.buffer)]),
	];
}
