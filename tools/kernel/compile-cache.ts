// Loads the TypeScript compiler with the code that V8 made of it at an earlier start. V8 takes half a second for its
// 8 MB, most of it function by function when they are first called.
import { readFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import type ts from "typescript";
import { writeFileAtomically } from "../../src/support/files";

export type TypeScript = typeof ts;

/** Milliseconds until the functions that a start needs have been called. */
const WARM = 3000;

/** What Node's module loader does, as far as it has no public function for it. */
const { wrap, _nodeModulePaths } = Module as unknown as {
	wrap(code: string): string;
	_nodeModulePaths(folder: string): string[];
};

export function readIfExists(file: string): Buffer | undefined {
	try {
		return readFileSync(file);
	} catch {
		return undefined;
	}
}

export function writeCache(file: string, content: string | Uint8Array): void {
	try {
		writeFileAtomically(file, content);
	} catch {
		// Where nothing can be written, each start takes its time.
	}
}

/** Returns the path of a file in the kernel's cache, which is in `node_modules/.cache`. */
export function cachePath(name: string): string {
	const manifest = require.resolve("typescript/package.json");
	return join(dirname(manifest), "..", ".cache", "tslab", name);
}

/** Loads the compiler. */
export function loadTypeScript(): TypeScript {
	const filename = require.resolve("typescript");
	const { version } = require("typescript/package.json") as { version: string };
	const file = cachePath(`typescript-${version}-node-${process.version}-${process.arch}`);
	const cachedData = readIfExists(file);
	// V8 rejects what another V8 or other flags made, and compiles as if there were no cache.
	const script = new Script(wrap(readFileSync(filename, "utf8")), { filename, cachedData });
	const loaded = new Module(filename);
	loaded.filename = filename;
	loaded.paths = _nodeModulePaths(dirname(filename));
	const load = script.runInThisContext() as (...scope: unknown[]) => void;
	load(loaded.exports, loaded.require.bind(loaded), loaded, filename, dirname(filename));
	loaded.loaded = true;
	if (!cachedData || script.cachedDataRejected)
		setTimeout(() => writeCache(file, script.createCachedData()), WARM).unref();
	return loaded.exports as TypeScript;
}

/** Gives tslab's converter `compiler` instead of tslab's own TypeScript, which is of 2023. */
export function provideCompiler(compiler: object): void {
	const filename = require.resolve("@tslab/typescript-for-tslab");
	const provided = new Module(filename);
	provided.filename = filename;
	provided.exports = compiler;
	provided.loaded = true;
	require.cache[filename] = provided;
}
