// Where things are: in the project, in `.venv`, and in what the user typed.
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
export const pythonEnvironment = {
	...process.env,
	JUPYTER_PREFER_ENV_PATH: "1",
	// Containers often have it set; then Python would compile what it imports at every start.
	PYTHONDONTWRITEBYTECODE: "",
};

/** The package whose binding is compiled here, and which links TensorFlow's libraries. */
export const tfjsFolder = at("node_modules", "@tensorflow", "tfjs-node-gpu");

/** Where TensorFlow for the CPU is unpacked. */
export const tensorflowFolder = at(".venv", "tensorflow");

/** Where the wheels of `requirements-gpu.txt` are installed. */
export const gpuFolder = at(".venv", "gpu");

/** Where these wheels are downloaded to. */
export const gpuDownloads = at(".venv", "gpu-downloads");

/** Holds which TensorFlow set-up has linked: `gpu` or `cpu`. */
export const deviceFile = at(".venv", "device");

/** Where the weights of pretrained networks are unpacked, a folder each. */
export const weightsFolder = at(".venv", "weights");

/** The virtual environment with what `npm run bench` compares with. */
export const peersFolder = at(".venv", "peers");

/** The virtual environment with what `npm run bench -- peers` compares with. */
export const tunedPeersFolder = at(".venv", "tuned-peers");

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
