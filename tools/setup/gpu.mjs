// The GPU: what NVIDIA's driver says of it, the wheels that TensorFlow needs for it, and whether TensorFlow runs on it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { at, root } from "./processes.mjs";

/** Where the wheels of `requirements-gpu.txt` are installed. */
export const gpuFolder = at(".venv", "gpu");

/** Which TensorFlow set-up has linked: `"gpu"`, `"cpu"`, or null before it has. */
export const deviceFile = at(".venv", "device");
export const chosenDevice = () => (existsSync(deviceFile) ? readFileSync(deviceFile, "utf8") : null);

/** For CUDA 12 with any minor version: NVIDIA's table of CUDA compatibility. */
const OLDEST_DRIVER = "525.60.13";
/** The oldest architecture that TensorFlow 2.21 is compiled for: `build_info.py` in its wheel. */
const LEAST_CAPABILITY = "6.0";

/**
 * The first GPU that `nvidia-smi` lists: name, driver, MiB of memory in all and in use, compute capability.
 *
 * @throws saying in one line why there is none that TensorFlow can use
 */
export function findGpu() {
	if (process.platform !== "linux" || process.arch !== "x64")
		throw new Error(
			`TensorFlow has a wheel for GPUs for Linux on x86-64 only, and this is ${process.platform} on ${process.arch}`,
		);
	const [name, driver, memory, used] = ask("name,driver_version,memory.total,memory.used");
	if (isOlder(driver, OLDEST_DRIVER))
		throw new Error(`the driver of the ${name} is ${driver}, and CUDA 12 needs ${OLDEST_DRIVER} or newer: update it`);
	// Older drivers do not know this question.
	const [capability] = ask("compute_cap");
	if (isOlder(capability, LEAST_CAPABILITY))
		throw new Error(
			`the ${name} has compute capability ${capability}, and TensorFlow 2.21 needs ${LEAST_CAPABILITY} or newer`,
		);
	return { name, driver, memory: Number(memory), used: Number(used), capability };
}

function ask(fields) {
	const args = [`--query-gpu=${fields}`, "--format=csv,noheader,nounits"];
	const { error, status, stdout, stderr } = spawnSync("nvidia-smi", args, { encoding: "utf8" });
	if (error) throw new NoDriver("there is no NVIDIA driver (nvidia-smi is not there)");
	const [first] = (stdout.trim() || stderr.trim()).split("\n");
	if (status !== 0) throw new Error(`nvidia-smi says: ${first}`);
	return first.split(",").map((value) => value.trim());
}

/** What a machine without a GPU throws; nobody needs to be told of it who did not ask for one. */
export class NoDriver extends Error {}

const isOlder = (version, than) => version.localeCompare(than, undefined, { numeric: true }) < 0;

/** The wheels that are installed for the GPU: name, version and megabytes to download. */
export function gpuWheels() {
	const lines = readFileSync(at("requirements-gpu.txt"), "utf8").matchAll(/^(\S+)==(\S+) +# (\d+) MB$/gm);
	return [...lines].map(([, name, version, megabytes]) => ({ name, version, megabytes: Number(megabytes) }));
}

export const gigabytes = (wheels) => (wheels.reduce((sum, { megabytes }) => sum + megabytes, 0) / 1000).toFixed(1);

// In a process of its own, since a library that does not fit can end it.
const PROBE = `
	const tf = require("@tensorflow/tfjs-node-gpu");
	const { binding, isUsingGpuDevice } = tf.backend();
	const image = tf.ones([1, 8, 8, 1]);
	const sum = tf.conv2d(image, tf.ones([3, 3, 1, 1]), 1, "valid").sum().dataSync()[0];
	const maps = process.platform === "linux" ? require("node:fs").readFileSync("/proc/self/maps", "utf8") : "";
	const libraries = [...new Set(maps.match(/\\/.*\\/lib(cu|nv|nccl)[^/\\n]*\\.so[^/\\n]*/g))];
	console.log(JSON.stringify({ version: binding.TF_Version, gpu: isUsingGpuDevice, right: sum === 324, error: binding.gpuError, libraries }));`;

/**
 * Runs a small convolution, and reads in TensorFlow's own log what it loaded, what it could not, and where it ran.
 *
 * @param tensorflow a folder with TensorFlow's libraries, in place of the one that set-up has linked
 * @returns `version` of TensorFlow; `device` that the convolution ran on, as `"GPU:0"`; `right`: whether its result
 *   is; `libraries` of CUDA that were loaded, as paths; `missing`: those that could not be, each with `name` and `why`;
 *   `problem`: in one line, why the GPU is not used, or null
 * @throws when TensorFlow cannot be loaded
 */
export function probe(tensorflow) {
	const env = {
		...process.env,
		TF_CPP_MIN_LOG_LEVEL: "0",
		TF_CPP_VMODULE: "dso_loader=1,execute=1",
		LD_LIBRARY_PATH: [tensorflow, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
	};
	const { status, signal, stdout, stderr } = spawnSync("node", ["-e", PROBE], { cwd: root, env, encoding: "utf8" });
	const found = (pattern) => pattern.exec(stderr)?.[1];
	const missing = [
		...stderr.matchAll(/Could not load dynamic library '(.+?)'; dlerror: (.+?)(?:; LD_LIBRARY_PATH.*)?$/gm),
	].map(([, name, why]) => ({ name, why }));
	const [notLoaded] = missing.map(({ name, why }) => `${name} could not be loaded (${why})`);
	if (status !== 0)
		throw new Error(
			`TensorFlow ended with ${signal ?? `exit ${status}`}: ${notLoaded ?? stderr.trimEnd().split("\n").at(-1).trim()}`,
		);
	const { gpu, error, ...answer } = JSON.parse(stdout.trimEnd().split("\n").at(-1));
	const device = found(/Executing op Conv2D in device \S*device:(\S+)/);
	const notUsed = [
		notLoaded,
		error,
		found(/failed call to cuInit: (.*)/),
		found(/(Ignoring visible gpu device .*)/),
		"TensorFlow finds no GPU that it can use",
	].find(Boolean);
	const problem = !gpu ? notUsed : device.startsWith("GPU") ? null : `a convolution ran on ${device}`;
	return { ...answer, device, missing, problem };
}
