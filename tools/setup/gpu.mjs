// The GPU: what NVIDIA's driver reports, the wheels that TensorFlow needs for it, and whether TensorFlow runs on it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { at, deviceFile, root } from "./paths.mjs";

/** @typedef {{ name: string, driver: string, memory: number, used: number, capability: string }} Gpu */
/** @typedef {{ name: string, version: string, megabytes: number, requirement: string }} Wheel */
/** @typedef {{ name: string, why: string }} NotLoaded */
/**
 * @typedef {object} Probe
 * @property {string} version of TensorFlow
 * @property {string} device that the convolution ran on, as `GPU:0`
 * @property {boolean} right whether the convolution's result is
 * @property {string[]} libraries of CUDA that were loaded, as paths
 * @property {NotLoaded[]} missing libraries that could not be loaded, and why
 * @property {string | null} problem why the GPU is not used, in one line; null when it is
 */

/** The TensorFlow that set-up has linked: `"gpu"`, `"cpu"`, or null before it has. */
export const chosenDevice = () => (existsSync(deviceFile) ? readFileSync(deviceFile, "utf8") : null);

/** For CUDA 12 with any minor version: NVIDIA's table of CUDA compatibility. */
const OLDEST_DRIVER = "525.60.13";
/** The oldest architecture that the wheel is compiled for: its `build_info.py`. */
const LEAST_CAPABILITY = "6.0";

/**
 * The first GPU that `nvidia-smi` lists, with MiB of memory in all and in use.
 *
 * @returns {Gpu}
 * @throws when there is none that TensorFlow can use, with the reason in one line
 */
export function findGpu() {
	if (process.platform !== "linux" || process.arch !== "x64")
		throw new Error(
			`TensorFlow has a wheel for GPUs for Linux on x86-64 only, and this is ${process.platform} on ${process.arch}`,
		);
	const [name, driver, memory, used] = query("name,driver_version,memory.total,memory.used");
	if (isOlder(driver, OLDEST_DRIVER))
		throw new Error(`the driver of the ${name} is ${driver}, and CUDA 12 needs ${OLDEST_DRIVER} or newer: update it`);
	// Older drivers do not know this field.
	const [capability] = query("compute_cap");
	if (isOlder(capability, LEAST_CAPABILITY)) {
		const [major, minor] = gpuWheel("tensorflow").version.split(".");
		throw new Error(
			`the ${name} has compute capability ${capability}, and TensorFlow ${major}.${minor} needs ${LEAST_CAPABILITY} or newer`,
		);
	}
	return { name, driver, memory: Number(memory), used: Number(used), capability };
}

/** @param {string} fields */
function query(fields) {
	const args = [`--query-gpu=${fields}`, "--format=csv,noheader,nounits"];
	const { error, status, stdout, stderr } = spawnSync("nvidia-smi", args, { encoding: "utf8" });
	if (error) throw new NoDriver("there is no NVIDIA driver (nvidia-smi is not there)");
	const [first] = (stdout.trim() || stderr.trim()).split("\n");
	if (status !== 0) throw new Error(`nvidia-smi reports: ${first}`);
	return first.split(",").map((value) => value.trim());
}

/** A machine without a GPU, which is reported only to those who requested one. */
export class NoDriver extends Error {}

/**
 * @param {string} version
 * @param {string} than
 */
const isOlder = (version, than) => version.localeCompare(than, undefined, { numeric: true }) < 0;

/**
 * The wheels that are installed for the GPU, with the megabytes to download and pip's requirement with its hashes.
 *
 * @returns {Wheel[]}
 */
export function gpuWheels() {
	const requirements = readFileSync(at("requirements-gpu.txt"), "utf8");
	const wheels = requirements.matchAll(/^# (\d+) MB\n((\S+)==(\S+)(?: \\\n +--hash=\S+)+)$/gm);
	return [...wheels].map(([, size, requirement, name, version]) => {
		return { name, version, megabytes: Number(size), requirement };
	});
}

/**
 * The first wheel with `part` in its name.
 *
 * @param {string} part
 */
export function gpuWheel(part) {
	const wheel = gpuWheels().find(({ name }) => name.includes(part));
	if (wheel) return wheel;
	throw new Error(`requirements-gpu.txt has no ${part}: run git checkout requirements-gpu.txt`);
}

/** @param {Wheel[]} wheels */
export const gigabytes = (wheels) => (wheels.reduce((sum, { megabytes }) => sum + megabytes, 0) / 1000).toFixed(1);

// In a separate process, since a library that does not fit can end it.
const PROBE = `
	const tf = require("@tensorflow/tfjs-node-gpu");
	const { binding, isUsingGpuDevice } = tf.backend();
	const image = tf.ones([1, 8, 8, 1]);
	const sum = tf.conv2d(image, tf.ones([3, 3, 1, 1]), 1, "valid").sum().dataSync()[0];
	const maps = process.platform === "linux" ? require("node:fs").readFileSync("/proc/self/maps", "utf8") : "";
	const libraries = [...new Set(maps.match(/\\/.*\\/lib(cu|nv|nccl)[^/\\n]*\\.so[^/\\n]*/g))];
	console.log(JSON.stringify({ version: binding.TF_Version, gpu: isUsingGpuDevice, right: sum === 324, error: binding.gpuError, libraries }));`;

/**
 * Runs a small convolution, and reads in TensorFlow's log what it loaded, what it could not, and where it ran.
 *
 * @param {string} [tensorflow] a folder with TensorFlow's libraries. Default: the one that set-up has linked
 * @returns {Probe}
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
	const missing = librariesNotLoaded(stderr);
	const [notLoaded] = missing.map(({ name, why }) => `${name} could not be loaded (${why})`);
	if (status !== 0) {
		const why = notLoaded ?? stderr.trimEnd().split("\n").at(-1)?.trim();
		throw new Error(`TensorFlow ended with ${signal ?? `exit ${status}`}: ${why}`);
	}
	const { gpu, error, ...answer } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
	/** @param {RegExp} pattern */
	const found = (pattern) => pattern.exec(stderr)?.[1];
	// On some processors oneDNN puts its own operation, such as _MklNativeConv2D, in the place of this one.
	const device = found(/Executing op \w*Conv2D in device \S*device:(\S+)/) ?? "an unknown device";
	const notUsed =
		notLoaded ||
		error ||
		found(/failed call to cuInit: (.*)/) ||
		found(/(Ignoring visible gpu device .*)/) ||
		"TensorFlow finds no GPU that it can use";
	const problem = !gpu ? notUsed : device.startsWith("GPU") ? null : `a convolution ran on ${device}`;
	return { ...answer, device, missing, problem };
}

/**
 * @param {string} log
 * @returns {NotLoaded[]}
 */
function librariesNotLoaded(log) {
	const lines = log.matchAll(/Could not load dynamic library '(.+?)'; dlerror: (.+?)(?:; LD_LIBRARY_PATH.*)?$/gm);
	return [...lines].map(([, name, why]) => ({ name, why }));
}
