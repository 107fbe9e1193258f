// Where things are: in the project, in `.venv`, and in what the user typed.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { printableLines } from "./text.mjs";

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * A path below the project's folder.
 *
 * @param {string[]} parts
 */
export const at = (...parts) => join(root, ...parts);

/** The Python of `.venv`. */
export const python = at(".venv", "bin", "python");

/** The environment for Python: a tslab kernel that the user installed must not come before the one in `.venv`. */
export const pythonEnvironment = { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" };

/** The package whose binding is compiled here, and which links TensorFlow's libraries. */
export const tfjsFolder = at("node_modules", "@tensorflow", "tfjs-node-gpu");

/** Where the wheels of `requirements-gpu.txt` are installed. */
export const gpuFolder = at(".venv", "gpu");

/** Where these wheels are downloaded to. */
export const gpuDownloads = at(".venv", "gpu-downloads");

/** Holds which TensorFlow set-up has linked: `gpu` or `cpu`. */
export const deviceFile = at(".venv", "device");

/** The virtual environment with what `npm run bench` compares with. */
export const peersFolder = at(".venv", "peers");

/**
 * Resolves a path that the user typed: npm runs commands in the project's folder and says in INIT_CWD where they were
 * typed.
 *
 * @param {string} path
 */
export const fromHere = (path) => resolve(process.env.INIT_CWD ?? ".", path);

/**
 * A path as short as it is clear: relative only to what lies below the user's folder.
 *
 * @param {string} path
 */
export const shown = (path) => {
	const short = relative(fromHere("."), path);
	return printableLines(short === "" || short.startsWith("..") ? path : short).replaceAll("\n", "\\n");
};

/**
 * The folder of the wheel with TensorFlow's libraries and headers.
 *
 * @throws when `.venv` has none
 */
export function tensorflowDir() {
	const lib = at(".venv", "lib");
	const folders = existsSync(lib)
		? readdirSync(lib).map((version) => join(lib, version, "site-packages", "tensorflow"))
		: [];
	const found = folders.find((folder) => existsSync(folder));
	if (found) return found;
	throw new Error(".venv has no TensorFlow: run npm run setup");
}

/** The name of the wheel's folder of metadata, which ends in its version: `tensorflow_cpu-2.21.0.dist-info`. */
export function tensorflowWheel() {
	const packages = dirname(tensorflowDir());
	const name = readdirSync(packages).find((name) => /^tensorflow.*\.dist-info$/.test(name));
	if (name) return name;
	throw new Error(`${packages} does not say which TensorFlow it has: remove .venv and run npm run setup`);
}

/** The version of the TensorFlow in `.venv`. */
export const tensorflowVersion = () => tensorflowWheel().replace(/^.*-([\d.]+)\.dist-info$/, "$1");
