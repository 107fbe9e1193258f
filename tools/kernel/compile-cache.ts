// Loads tslab's TypeScript compiler with the code that V8 made of it at an earlier start. V8 takes half a second for its
// 8 MB, most of it function by function when they are first called.
import { readFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import type ts from "@tslab/typescript-for-tslab";
import { writeFileAtomically } from "../../src/support/files";

export type TypeScript = typeof ts;

/** Milliseconds until the functions that a start needs have been called. */
const WARM = 3000;

/** What Node's module loader does, as far as it has no public function for it. */
const { wrap, _nodeModulePaths } = Module as unknown as {
	wrap(code: string): string;
	_nodeModulePaths(folder: string): string[];
};

function readIfExists(file: string): Buffer | undefined {
	try {
		return readFileSync(file);
	} catch {
		return undefined;
	}
}

function writeCache(file: string, script: Script): void {
	try {
		writeFileAtomically(file, script.createCachedData());
	} catch {
		// Where nothing can be written, each start takes its half second.
	}
}

/** The file that holds the cached code, in `node_modules/.cache`. */
function cacheFile(): string {
	const manifest = require.resolve("@tslab/typescript-for-tslab/package.json");
	const { version } = require("@tslab/typescript-for-tslab/package.json") as { version: string };
	const name = `typescript-${version}-node-${process.version}-${process.arch}`;
	return join(dirname(manifest), "..", "..", ".cache", "tslab", name);
}

/** Loads the compiler. */
export function loadTypeScript(): TypeScript {
	const filename = require.resolve("@tslab/typescript-for-tslab");
	const file = cacheFile();
	const cachedData = readIfExists(file);
	// V8 rejects what another V8 or other flags made, and compiles as if there were no cache.
	const script = new Script(wrap(readFileSync(filename, "utf8")), { filename, cachedData });
	const loaded = new Module(filename);
	loaded.filename = filename;
	loaded.paths = _nodeModulePaths(dirname(filename));
	const load = script.runInThisContext() as (...scope: unknown[]) => void;
	load(loaded.exports, loaded.require.bind(loaded), loaded, filename, dirname(filename));
	loaded.loaded = true;
	if (!cachedData || script.cachedDataRejected) setTimeout(() => writeCache(file, script), WARM).unref();
	return loaded.exports as TypeScript;
}

/** Gives everyone who requires the compiler from now on `compiler` instead. */
export function provideCompiler(compiler: object): void {
	const filename = require.resolve("@tslab/typescript-for-tslab");
	const provided = new Module(filename);
	provided.filename = filename;
	provided.exports = compiler;
	provided.loaded = true;
	require.cache[filename] = provided;
}
