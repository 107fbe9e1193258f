// The native binding of tfjs-node-gpu: compiled here, linked with the libraries of a TensorFlow wheel.
import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { at, tfjsFolder } from "./paths.mjs";
import { runQuietly } from "./processes.mjs";
import { findCompiler } from "./requirements.mjs";
import { contents, pathsIn, step } from "./steps.mjs";
import { tensorflowDir, tensorflowWheel } from "./tensorflow.mjs";

export const bindingStamp = join(tfjsFolder, "lib", ".stamp");

/** Compiles the Node-API binding against the libraries in the TensorFlow wheel. */
export async function buildBinding() {
	const sources = pathsIn(join(tfjsFolder, "binding"));
	const inputs = [contents(...sources), tensorflowWheel(), process.platform, process.arch];
	await step("native binding", bindingStamp, inputs, async () => {
		const out = join(tfjsFolder, "lib", "napi-v8");
		mkdirSync(out, { recursive: true });
		await runQuietly(findCompiler(), [...compilerArguments(sources), "-o", join(out, "tfjs_binding.node")]);
	});
}

/** @param {string[]} sources */
function compilerArguments(sources) {
	const tensorflow = tensorflowDir();
	const libraries = pathsIn(tensorflow).filter((file) =>
		/^libtensorflow_(cc|framework)[.\d]*\.(so|dylib)[.\d]*$/.test(basename(file)),
	);
	const onMac = process.platform === "darwin";
	return [
		"-std=c++17",
		"-O2",
		"-fPIC",
		"-shared",
		"-DNAPI_VERSION=8",
		...(onMac ? ["-undefined", "dynamic_lookup"] : []),
		`-I${at("node_modules", "node-api-headers", "include")}`,
		`-I${join(tensorflow, "include")}`,
		`-I${tfjsFolder}`,
		...sources.filter((file) => file.endsWith(".cc")),
		...libraries,
		`-Wl,-rpath,${onMac ? "@loader_path" : "$ORIGIN"}/../../deps/lib`,
	];
}

/**
 * Points the binding's `deps/lib` at a wheel's folder. A kernel that starts meanwhile finds the one or the other.
 *
 * @param {string} tensorflow
 */
export function link(tensorflow) {
	const lib = join(tfjsFolder, "deps", "lib");
	// To the folder, not to the files: the wheels find CUDA's libraries relative to this folder.
	const target = relative(dirname(lib), tensorflow);
	if (existsSync(lib) && readlinkSync(lib) === target) return;
	mkdirSync(dirname(lib), { recursive: true });
	rmSync(`${lib}.new`, { force: true });
	symlinkSync(target, `${lib}.new`);
	renameSync(`${lib}.new`, lib);
}
