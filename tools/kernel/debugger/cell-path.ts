// The path that stands for a cell's code in the debug adapter protocol. JupyterLab computes it too, to know which cell is
// meant.
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

/** ipykernel's seed. */
const SEED = 0xc70f6907;
const MULTIPLIER = 0x5bd1e995;

/** How a path is made, as the reply to `debugInfo` announces it. No such file exists. */
export const pathParameters = {
	hashMethod: "Murmur2",
	hashSeed: SEED,
	// JupyterLab shows "Cell [3]" in place of paths with "ipykernel_" in them only. With the process id, the paths of a
	// kernel that was restarted are others, by which it knows that this one has no breakpoints yet.
	tmpFilePrefix: join(tmpdir(), `ipykernel_${process.pid}`) + sep,
	tmpFileSuffix: ".ts",
};

/** Returns the path that stands for a cell's code. */
export function cellPath(code: string): string {
	return pathParameters.tmpFilePrefix + murmur2(code, SEED) + pathParameters.tmpFileSuffix;
}

/**
 * Returns the hash MurmurHash2 of a text in UTF-8, as an integer of 32 bits.
 *
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash2.cpp
 */
export function murmur2(text: string, seed: number): number {
	const bytes = Buffer.from(text);
	const blocks = bytes.length - (bytes.length % 4);
	let hash = seed ^ bytes.length;
	for (let i = 0; i < blocks; i += 4) {
		let block = Math.imul(bytes.readInt32LE(i), MULTIPLIER);
		block ^= block >>> 24;
		hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(block, MULTIPLIER);
	}
	if (blocks < bytes.length) {
		hash ^= bytes.readUIntLE(blocks, bytes.length - blocks);
		hash = Math.imul(hash, MULTIPLIER);
	}
	hash ^= hash >>> 13;
	hash = Math.imul(hash, MULTIPLIER);
	hash ^= hash >>> 15;
	return hash >>> 0;
}
