// CPU or GPU: which of the two TensorFlow runs on, and the libraries for the GPU.
import { mkdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { link } from "./binding.mjs";
import { chosenDevice, findGpu, gigabytes, gpuWheels, NoDriver, probe } from "./gpu.mjs";
import { download, PINNED } from "./packages.mjs";
import { at, deviceFile, gpuDownloads, gpuFolder, python, shown } from "./paths.mjs";
import { outputOf } from "./processes.mjs";
import { contents, step } from "./steps.mjs";
import { ANY_PYTHON, tensorflowDir } from "./tensorflow.mjs";
import { messageOf } from "./text.mjs";

/** @typedef {"cpu" | "gpu"} Device */

/** Bytes that downloads and installed libraries need together for a while. */
const NEEDED = 10e9;

/**
 * Links the binding with the TensorFlow for the CPU or the one for the GPU: the same version, so either fits.
 *
 * @param {Device} [requested] Default: what was chosen before; the first time the GPU, if there is one
 */
export async function chooseDevice(requested) {
	const chosen = requested ? null : chosenDevice();
	// The pinned versions can have changed.
	if (chosen === "gpu") await installGpuPackages();
	const device = chosen || (await usableDevice(requested));
	link(device === "gpu" ? join(gpuFolder, "tensorflow") : tensorflowDir());
	if (device !== chosen) writeFileSync(deviceFile, device);
}

/**
 * Finds out whether TensorFlow runs on a GPU, unless the CPU was requested, and reports it, or why not.
 *
 * @param {Device} [requested]
 * @returns {Promise<Device>}
 */
export async function usableDevice(requested) {
	try {
		if (requested === "cpu") {
			console.log("setup: TensorFlow runs on the CPU");
			return requested;
		}
		const { name } = findGpu();
		await installGpuPackages();
		const { problem } = probe(join(gpuFolder, "tensorflow"));
		if (problem) throw new Error(problem);
		console.log(`setup: TensorFlow runs on the ${name} (npm run setup -- --cpu goes back to the CPU)`);
		return "gpu";
	} catch (error) {
		if (requested || !(error instanceof NoDriver)) {
			console.log(`setup: TensorFlow runs on the CPU: ${messageOf(error).split("\n").at(-1)?.trim()}`);
		}
		return "cpu";
	}
}

/** Downloads each wheel by itself, so that an interrupted set-up continues with the next one. */
async function installGpuPackages() {
	const wheels = gpuWheels();
	const requirements = at("requirements-gpu.txt");
	const inputs = [contents(requirements), outputOf(python, ["--version"])];
	const name = `TensorFlow for the GPU (${gigabytes(wheels)} GB to download, 6 GB on disk)`;
	await step(name, join(gpuFolder, ".stamp"), inputs, async () => {
		mkdirSync(gpuDownloads, { recursive: true });
		checkSpace();
		// pip's folder for temporary files is in memory on some systems.
		const env = { ...process.env, TMPDIR: gpuDownloads };
		/** @param {string[]} args */
		const pip = (...args) =>
			download(python, ["-m", "pip", ...args, ...ANY_PYTHON, ...PINNED, "--no-cache-dir"], { env });
		// pip takes hashes from a file only.
		const single = join(gpuDownloads, "requirement.txt");
		for (const { name, version, megabytes, requirement } of wheels) {
			console.log(`setup:   ${name} ${version}, ${megabytes} MB`);
			writeFileSync(single, requirement);
			await pip("download", "--dest", gpuDownloads, "-r", single);
		}
		console.log("setup:   unpacking");
		rmSync(gpuFolder, { recursive: true, force: true });
		await pip("install", "--no-index", "--find-links", gpuDownloads, "--target", gpuFolder, "-r", requirements);
		linkForgottenLibrary();
		rmSync(gpuDownloads, { recursive: true });
	});
}

function checkSpace() {
	const { bavail, bsize } = statfsSync(gpuDownloads);
	const free = bavail * bsize;
	if (free >= NEEDED) return;
	throw new Error(
		`${NEEDED / 1e9} GB of disk are needed for the GPU's libraries, and ${(free / 1e9).toFixed(1)} GB are free`,
	);
}

/**
 * Links a library to where TensorFlow looks for it. This version, from Python too, looks in the folders of all CUDA
 * packages but the library's own, and ignores the GPU when it is not found. What the library itself needs is found
 * from there as well, relative to the link's folder.
 */
function linkForgottenLibrary() {
	const library = "libcusolver.so.11";
	const place = join(gpuFolder, "nvidia", "cuda_runtime", "lib", library);
	symlinkSync(join("..", "..", "cusolver", "lib", library), place);
}

/** Prints what `--gpu` would use and install. */
export function dryRun() {
	try {
		console.log(`GPU: ${findGpu().name}`);
	} catch (error) {
		console.log(`GPU: none; ${messageOf(error)}`);
	}
	const wheels = gpuWheels();
	for (const { name, version, megabytes } of wheels) console.log(`${name}==${version}  ${megabytes} MB`);
	console.log(`${wheels.length} wheels, ${gigabytes(wheels)} GB to download, 6 GB in ${shown(gpuFolder)}`);
}
