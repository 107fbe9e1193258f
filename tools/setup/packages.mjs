// The packages of npm and pip.
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	at,
	deviceFile,
	gpuDownloads,
	gpuFolder,
	peersFolder,
	python,
	root,
	tensorflowFolder,
	tunedPeersFolder,
	weightsFolder,
} from "./paths.mjs";
import { runQuietly } from "./processes.mjs";
import { findPython } from "./requirements.mjs";
import { contents, pathsIn, step } from "./steps.mjs";

export async function installNodePackages() {
	const sources = contents(at("package-lock.json"), at(".npmrc"), ...pathsIn(at("patches")));
	const inputs = [sources, process.platform, process.arch];
	await step("Node packages", at("node_modules", ".stamps", "packages"), inputs, async () => {
		// npm's own removal gives up when something else touches the folder meanwhile.
		rmSync(at("node_modules"), { recursive: true, force: true, maxRetries: 5 });
		await download("npm", ["ci", "--no-audit", "--no-fund"]);
		checkPatches();
		await runQuietly("node", [at("node_modules", "patch-package", "index.js"), "--error-on-fail"]);
	});
}

/** What npm and pip print of a registry that does not answer; pip knows no version of the package then. */
const UNREACHABLE =
	/E(CONN(REFUSED|RESET)|NOTFOUND|TIMEDOUT|AI_AGAIN)|(NewConnection|ConnectTimeout|ReadTimeout|NameResolution|Proxy|SSL)Error|from versions: none/;

/**
 * Runs npm or pip.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @throws with one line where the registry does not answer, and else with the end of the output
 */
export async function download(command, args, options) {
	try {
		return await runQuietly(command, args, options);
	} catch (error) {
		const [reason] = UNREACHABLE.exec(/** @type {Error} */ (error).message) ?? [];
		if (!reason) throw error;
		const program = command === "npm" ? "npm" : "pip";
		throw new Error(
			`${program} does not reach its package registry, or finds the package not there (${reason}): check the network, or the proxy and registry in the settings of ${program}; the same command goes on from here`,
			{ cause: error },
		);
	}
}

/** Refuses a patch whose package is installed in another version than the patch's file name says. */
function checkPatches() {
	for (const file of readdirSync(at("patches"))) {
		const [, inFileName, version] = /^(.*)\+([^+]+)\.patch$/.exec(file) ?? [];
		if (!inFileName) throw new Error(`patches/${file} is not named NAME+VERSION.patch: run npx patch-package NAME`);
		const name = inFileName.replace("+", "/");
		const installed = versionOf(name);
		if (installed === version) continue;
		throw new Error(
			`patches/${file} is for ${name} ${version}, but ${installed} is installed: pin ${version} in package.json, or regenerate the patch with npx patch-package ${name} (CONTRIBUTING.md)`,
		);
	}
}

/**
 * The version of an installed Node package.
 *
 * @param {string} name
 * @returns {string}
 */
export const versionOf = (name) => JSON.parse(readFileSync(at("node_modules", name, "package.json"), "utf8")).version;

/** What the Python side depends on: the project's path too, because a virtual environment does not survive being moved. */
const pythonInputs = () => [contents(at("requirements.txt")), root, process.platform, process.arch];

/** Makes the virtual environment, in which nothing but pip is. */
export async function makePythonEnvironment() {
	await step("Python environment", at(".venv", ".stamps", "environment"), pythonInputs(), async () => {
		// What follows deletes the folder's contents, which through a link are somebody else's.
		if (lstatSync(at(".venv"), { throwIfNoEntry: false })?.isSymbolicLink())
			throw new Error(`${at(".venv")} is a symbolic link: expected a folder of this project; remove the link`);
		// Not `venv --clear`, which would also delete the large downloads that live in `.venv`.
		const kept = [tensorflowFolder, gpuFolder, gpuDownloads, deviceFile, peersFolder, tunedPeersFolder, weightsFolder];
		mkdirSync(at(".venv"), { recursive: true });
		for (const file of pathsIn(at(".venv"))) if (!kept.includes(file)) rmSync(file, { recursive: true });
		await runQuietly(findPython(), ["-m", "venv", at(".venv")]);
	});
}

export async function installPythonPackages() {
	const name = "JupyterLab (about 80 MB to download)";
	await step(name, at(".venv", ".stamps", "packages"), pythonInputs(), () =>
		pipInstall(python, at("requirements.txt")),
	);
}

/** What pip is told of pinned requirements: nothing else, and no wheel whose SHA-256 is not in the file. */
export const PINNED = ["--no-deps", "--require-hashes", "--disable-pip-version-check"];

/**
 * Installs what a requirements file names, and nothing else. A wheel whose SHA-256 is not in the file is refused.
 *
 * @param {string} python
 * @param {string} requirements
 */
export function pipInstall(python, requirements) {
	// Python compiles what it imports, which of 250 MB is little.
	return download(python, ["-m", "pip", "install", "--no-compile", ...PINNED, "-r", requirements]);
}

/**
 * Installs what `npm run bench` compares with, apart from what the notebooks need.
 *
 * @returns {Promise<string>} its Python
 */
export const installPeers = () =>
	installApart("Keras and Ray to compare with (about 800 MB to download)", peersFolder, "requirements.txt");

/**
 * Installs what `npm run bench -- peers` compares with.
 *
 * @returns {Promise<string>} its Python
 */
export async function installTunedPeers() {
	const name = "Keras, JAX and PyTorch to compare with (about 1 GB to download)";
	const peer = await installApart(name, tunedPeersFolder, "requirements-peers.txt");
	if (process.platform === "linux") {
		const stubs = at("tools", "bench", "cuda_stubs.py");
		await step("PyTorch without CUDA", join(tunedPeersFolder, ".stubs"), contents(stubs), () =>
			runQuietly(peer, [stubs]),
		);
	}
	return peer;
}

/**
 * Installs a requirements file of `tools/bench` into a virtual environment of its own.
 *
 * @param {string} name as it is reported
 * @param {string} folder
 * @param {string} file
 * @returns {Promise<string>} its Python
 */
async function installApart(name, folder, file) {
	const requirements = at("tools", "bench", file);
	const peer = join(folder, "bin", "python");
	await step(name, join(folder, ".stamp"), contents(requirements), async () => {
		await runQuietly(findPython(), ["-m", "venv", "--clear", folder]);
		await pipInstall(peer, requirements);
	});
	return peer;
}
