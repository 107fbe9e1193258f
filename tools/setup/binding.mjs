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
	const inputs = [contents(...sources, stderrSource), tensorflowWheel(), process.platform, process.arch];
	await step("native binding", bindingStamp, inputs, async () => {
		const out = join(tfjsFolder, "lib", "napi-v8");
		mkdirSync(out, { recursive: true });
		const compiler = findCompiler();
		const libraries = onMac ? tensorflowLibraries() : await standIns(compiler);
		const args = [...compilerArguments(sources), ...libraries, "-o", join(out, "tfjs_binding.node")];
		await Promise.all([
			runQuietly(compiler, args),
			runQuietly(compiler, [...compilerArguments([stderrSource]), "-o", join(out, "stderr.node")]),
		]);
	});
}

const stderrSource = at("tools", "setup", "stderr.cc");
const onMac = process.platform === "darwin";

const tensorflowLibraries = () =>
	pathsIn(tensorflowDir()).filter((file) =>
		/^libtensorflow_(cc|framework)[.\d]*\.(so|dylib)[.\d]*$/.test(basename(file)),
	);

/**
 * Makes empty libraries of the names of TensorFlow's. The names are all that the linker puts into the binding, and it takes
 * 11 s to read the 0.8 GB of the real ones.
 *
 * @param {string} compiler
 */
async function standIns(compiler) {
	const folder = join(tfjsFolder, "lib", "stand-ins");
	mkdirSync(folder, { recursive: true });
	const made = tensorflowLibraries().map(async (library) => {
		const file = join(folder, basename(library));
		await runQuietly(compiler, ["-shared", `-Wl,-soname,${basename(library)}`, "-x", "c++", "/dev/null", "-o", file]);
		return file;
	});
	return ["-Wl,--no-as-needed", ...(await Promise.all(made))];
}

/** @param {string[]} sources */
function compilerArguments(sources) {
	return [
		"-std=c++17",
		"-O2",
		"-fPIC",
		"-shared",
		"-DNAPI_VERSION=8",
		...(onMac ? ["-undefined", "dynamic_lookup"] : []),
		`-I${at("node_modules", "node-api-headers", "include")}`,
		`-I${join(tensorflowDir(), "include")}`,
		`-I${tfjsFolder}`,
		...sources.filter((file) => file.endsWith(".cc")),
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
