// Installs everything the commands need, inside this folder only, each step once.
//
// A step writes its stamp last and inside what it made, so an interrupted step is done again and a deleted
// folder takes its stamp along. A stamp holds a hash of everything the step depends on.
import { createHash } from "node:crypto";
import {
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	statfsSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { at, outputOf, python, root, run, runQuietly, shown, tensorflowDir, tensorflowWheel } from "./common.mjs";
import { chosenDevice, deviceFile, findGpu, gigabytes, gpuFolder, gpuWheels, NoDriver, probe } from "./gpu.mjs";

const tfjs = at("node_modules", "@tensorflow", "tfjs-node-gpu");
const gpuDownloads = at(".venv", "gpu-downloads");

/**
 * Makes sure that packages, Python side, native binding, kernel and plotly are there and current.
 *
 * @param device `"gpu"` or `"cpu"` to run on from now on; without, what was chosen before, or the first time a GPU if
 *   there is one
 */
export async function setup(device) {
	checkNode();
	// Said before anything is downloaded, not after.
	if (!existsSync(at(".venv", ".stamps"))) findPython();
	if (!existsSync(join(tfjs, "lib", ".stamp"))) findCompiler();
	const unlock = await lock(at(".setup.lock"));
	try {
		// The two downloads have nothing to do with each other and take most of the time.
		await Promise.all([installNodePackages(), installPythonPackages()]);
		await buildBinding();
		await chooseDevice(device);
		await installKernel();
		await installPapermillPlugin();
		await minifyPlotly();
	} finally {
		unlock();
	}
}

/** Makes the synthetic sample data set if `dataset/` has no pictures, or finishes one that was interrupted. */
export async function fillDataset() {
	const dataset = at("dataset");
	const unlock = await lock(at(".setup.lock"));
	try {
		const train = join(dataset, "train");
		const filled = existsSync(train) && readdirSync(train).length > 0;
		if (filled && !existsSync(join(dataset, ".making"))) return;
		const { makeSampleDataset } = await import("./sample-dataset.mjs");
		console.log("dataset/ has no pictures: making the synthetic sample data set (about 30 s) …");
		await makeSampleDataset(dataset);
	} finally {
		unlock();
	}
}

/** Waits until no other command is setting up. A lock whose process is gone counts for nothing. */
async function lock(file) {
	const mine = `${file}.${process.pid}`;
	for (let waiting = false; ; waiting = true) {
		writeFileSync(mine, String(process.pid));
		try {
			// A link appears with its content, where a file is empty for a moment.
			linkSync(mine, file);
			const unlock = () => {
				if (existsSync(file) && readFileSync(file, "utf8") === String(process.pid)) rmSync(file);
			};
			process.once("exit", unlock);
			return unlock;
		} catch (error) {
			if (error.code !== "EEXIST") throw error;
		} finally {
			rmSync(mine, { force: true });
		}
		const owner = Number(existsSync(file) && readFileSync(file, "utf8"));
		if (!isRunning(owner)) {
			rmSync(file, { force: true });
			continue;
		}
		if (!waiting) console.log(`setup: waiting for another command (process ${owner}) that is setting up …`);
		await setTimeout(500);
	}
}

function isRunning(pid) {
	try {
		return pid > 0 && process.kill(pid, 0);
	} catch {
		return false;
	}
}

/** How to install what is missing, for the three systems most people have. */
function missing(what, { debian, fedora, macos }) {
	return new Error(`${what}\n  Debian/Ubuntu:  ${debian}\n  Fedora:         ${fedora}\n  macOS:          ${macos}`);
}

export function checkNode() {
	if (Number(process.versions.node.split(".")[0]) >= 20) return;
	throw missing(`Node ${process.versions.node} is too old: this project needs Node 20 or newer.`, {
		debian: "sudo apt install nodejs npm   (Debian 13, Ubuntu 25.04 or newer)",
		fedora: "sudo dnf install nodejs",
		macos: "brew install node",
	});
}

/** The Python to make `.venv` with: the newest that TensorFlow has a wheel for. `PYTHON=…` chooses another. */
export function findPython() {
	const candidates = process.env.PYTHON
		? [process.env.PYTHON]
		: ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];
	for (const command of candidates) {
		const version = outputOf(command, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
		const [major, minor] = (version ?? "0.0").split(".").map(Number);
		if (major !== 3 || minor < 10 || minor > 13) continue;
		if (outputOf(command, ["-c", "import venv, ensurepip"]) !== null) return command;
		throw missing(`Python ${version} has no venv module.`, {
			debian: "sudo apt install python3-venv",
			fedora: "sudo dnf install python3",
			macos: "brew install python@3.13",
		});
	}
	throw missing(`No Python from 3.10 to 3.13 found (looked for ${candidates.join(", ")}).`, {
		debian: "sudo apt install python3 python3-venv",
		fedora: "sudo dnf install python3.13",
		macos: "brew install python@3.13",
	});
}

export function findCompiler() {
	for (const command of process.env.CXX ? [process.env.CXX] : ["c++", "g++", "clang++"]) {
		if (outputOf(command, ["--version"]) !== null) return command;
	}
	throw missing("No C++ compiler found: the bridge between Node and TensorFlow is compiled here.", {
		debian: "sudo apt install g++",
		fedora: "sudo dnf install gcc-c++",
		macos: "xcode-select --install",
	});
}

/** Does `work` unless the stamp at `stamp` says that it was done with the same `inputs`. */
async function step(name, stamp, inputs, work) {
	const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
	if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
	const started = Date.now();
	console.log(`setup: ${name} …`);
	rmSync(stamp, { force: true });
	await work();
	mkdirSync(dirname(stamp), { recursive: true });
	writeFileSync(stamp, hash);
	console.log(`setup: ${name} done in ${Math.round((Date.now() - started) / 1000)} s`);
}

const contents = (...files) => files.map((file) => readFileSync(file, "utf8"));
const filesIn = (dir) =>
	readdirSync(dir)
		.sort()
		.map((name) => join(dir, name));

async function installNodePackages() {
	const inputs = [
		contents(at("package-lock.json"), at(".npmrc"), ...filesIn(at("patches"))),
		process.platform,
		process.arch,
	];
	await step("Node packages", at("node_modules", ".stamps", "packages"), inputs, async () => {
		// npm's own removal gives up when something else touches the folder meanwhile.
		rmSync(at("node_modules"), { recursive: true, force: true, maxRetries: 5 });
		await runQuietly("npm", ["ci", "--no-audit", "--no-fund"]);
		checkPatches();
		await runQuietly("node", [at("node_modules", "patch-package", "index.js"), "--error-on-fail"]);
	});
}

/** A patch is made for one version, named in its file name; any other is refused. */
function checkPatches() {
	for (const file of readdirSync(at("patches"))) {
		const [, name, version] = /^(.*)\+([^+]+)\.patch$/.exec(file);
		const installed = JSON.parse(
			readFileSync(at("node_modules", name.replace("+", "/"), "package.json"), "utf8"),
		).version;
		if (installed === version) continue;
		throw new Error(
			`patches/${file} mends ${name.replace("+", "/")} ${version}, but ${installed} is installed: pin ${version} in package.json, or make the patch anew (CONTRIBUTING.md).`,
		);
	}
}

async function installPythonPackages() {
	// The folder's own place is an input because a virtual environment does not survive being moved.
	const inputs = [contents(at("requirements.txt")), root, process.platform, process.arch];
	await step(
		"JupyterLab and TensorFlow (about 450 MB to download)",
		at(".venv", ".stamps", "packages"),
		inputs,
		async () => {
			// Not `venv --clear`, which would take along what is large and installed beside.
			const beside = [gpuFolder, gpuDownloads, deviceFile, at(".venv", "peers")];
			mkdirSync(at(".venv"), { recursive: true });
			for (const file of filesIn(at(".venv"))) if (!beside.includes(file)) rmSync(file, { recursive: true });
			await runQuietly(findPython(), ["-m", "venv", at(".venv")]);
			// requirements.txt names the whole closure, so nothing is resolved here and TensorFlow's own
			// Python dependencies, which only Python programs need, stay out.
			await runQuietly(python, [
				"-m",
				"pip",
				"install",
				"--no-deps",
				"--disable-pip-version-check",
				"-r",
				at("requirements.txt"),
			]);
		},
	);
}

/** Installs Keras and Pillow for `npm run bench`, apart from what the notebooks need; resolves to their Python. */
export async function installPeers() {
	const requirements = at("tools", "bench", "requirements.txt");
	const venv = at(".venv", "peers");
	await step(
		"Keras and Ray to compare with (about 800 MB to download)",
		join(venv, ".stamp"),
		contents(requirements),
		async () => {
			await runQuietly(findPython(), ["-m", "venv", "--clear", venv]);
			await runQuietly(join(venv, "bin", "python"), ["-m", "pip", "install", "-r", requirements]);
		},
	);
	return join(venv, "bin", "python");
}

/** Compiles the Node-API binding of tfjs-node-gpu against the libraries in the TensorFlow wheel. */
async function buildBinding() {
	const tensorflow = tensorflowDir();
	const sources = filesIn(join(tfjs, "binding"));
	const inputs = [contents(...sources), tensorflowWheel(), process.platform, process.arch];
	await step("native binding", join(tfjs, "lib", ".stamp"), inputs, async () => {
		const compiler = findCompiler();
		const out = join(tfjs, "lib", "napi-v8");
		mkdirSync(out, { recursive: true });
		const libraries = filesIn(tensorflow).filter((file) =>
			/^libtensorflow_(cc|framework)[.\d]*\.(so|dylib)[.\d]*$/.test(basename(file)),
		);
		const rpath = process.platform === "darwin" ? "@loader_path/../../deps/lib" : "$ORIGIN/../../deps/lib";
		await runQuietly(compiler, [
			"-std=c++17",
			"-O2",
			"-fPIC",
			"-shared",
			"-DNAPI_VERSION=8",
			...(process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : []),
			`-I${at("node_modules", "node-api-headers", "include")}`,
			`-I${join(tensorflow, "include")}`,
			`-I${tfjs}`,
			...sources.filter((file) => file.endsWith(".cc")),
			...libraries,
			`-Wl,-rpath,${rpath}`,
			"-o",
			join(out, "tfjs_binding.node"),
		]);
	});
}

/** Links the binding with the TensorFlow for the CPU or the one for the GPU: the same version, so either fits. */
async function chooseDevice(asked) {
	const chosen = asked ? null : chosenDevice();
	// What they are can have changed.
	if (chosen === "gpu") await installGpuPackages();
	const device = chosen || (await usableDevice(asked));
	link(device === "gpu" ? join(gpuFolder, "tensorflow") : tensorflowDir());
	if (device !== chosen) writeFileSync(deviceFile, device);
}

/** `"gpu"` when that is not declined, there is one and TensorFlow runs on it; says so, or why not. */
export async function usableDevice(asked) {
	try {
		if (asked === "cpu") {
			console.log("setup: TensorFlow runs on the CPU");
			return asked;
		}
		const { name } = findGpu();
		await installGpuPackages();
		const { problem } = probe(join(gpuFolder, "tensorflow"));
		if (problem) throw new Error(problem);
		console.log(`setup: TensorFlow runs on the ${name} (npm run setup -- --cpu goes back to the CPU)`);
		return "gpu";
	} catch (error) {
		if (asked || !(error instanceof NoDriver))
			console.log(`setup: TensorFlow runs on the CPU: ${error.message.split("\n").at(-1).trim()}`);
		return "cpu";
	}
}

/** Each wheel is downloaded by itself, so that an interrupted set-up goes on with the next one. */
async function installGpuPackages() {
	const wheels = gpuWheels();
	const requirements = at("requirements-gpu.txt");
	const inputs = [contents(requirements), outputOf(python, ["--version"])];
	await step(
		`TensorFlow for the GPU (${gigabytes(wheels)} GB to download, 6 GB on disk)`,
		join(gpuFolder, ".stamp"),
		inputs,
		async () => {
			mkdirSync(gpuDownloads, { recursive: true });
			const { bavail, bsize } = statfsSync(gpuDownloads);
			const free = bavail * bsize;
			if (free < 10e9)
				throw new Error(`10 GB of disk are needed for the GPU's libraries, and ${(free / 1e9).toFixed(1)} GB are free`);
			// pip's own folder for temporary files is in memory on some systems.
			const env = { ...process.env, TMPDIR: gpuDownloads, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
			const pip = (...args) => runQuietly(python, ["-m", "pip", ...args, "--no-deps", "--no-cache-dir"], { env });
			for (const { name, version, megabytes } of wheels) {
				console.log(`setup:   ${name} ${version}, ${megabytes} MB`);
				await pip("download", "--dest", gpuDownloads, `${name}==${version}`);
			}
			console.log("setup:   unpacking");
			rmSync(gpuFolder, { recursive: true, force: true });
			await pip("install", "--no-index", "--find-links", gpuDownloads, "--target", gpuFolder, "-r", requirements);
			linkForgottenLibrary();
			rmSync(gpuDownloads, { recursive: true });
		},
	);
}

/**
 * TensorFlow 2.21 looks for this library in the folders of all CUDA packages but its own, from Python too, and does
 * without the GPU when it is not found. Its own needs it finds from here as well, relative to the link's folder.
 */
function linkForgottenLibrary() {
	const library = "libcusolver.so.11";
	const place = join(gpuFolder, "nvidia", "cuda_runtime", "lib", library);
	symlinkSync(join("..", "..", "cusolver", "lib", library), place);
}

/** Points the binding's `deps/lib` at a wheel's folder. A kernel that starts meanwhile finds the one or the other. */
function link(tensorflow) {
	const lib = join(tfjs, "deps", "lib");
	// To the folder, not to the files: the wheels find CUDA's libraries relative to this folder.
	const target = relative(dirname(lib), tensorflow);
	if (existsSync(lib) && readlinkSync(lib) === target) return;
	mkdirSync(dirname(lib), { recursive: true });
	rmSync(`${lib}.new`, { force: true });
	symlinkSync(target, `${lib}.new`);
	renameSync(`${lib}.new`, lib);
}

/** Kernelspec and JupyterLab's settings live in `.venv`: the user's other Jupyter installations do not see them. */
async function installKernel() {
	const kernel = {
		argv: ["node", "{resource_dir}/main.cjs", "{connection_file}"],
		display_name: "TypeScript",
		language: "typescript",
		// By a message, which a thread of the kernel hears also while a cell keeps the main one busy.
		interrupt_mode: "message",
		// Notes on the processor would appear in the first cell, and one of each damaged file in the terminal.
		env: { TF_CPP_MIN_LOG_LEVEL: "3" },
	};
	// Nothing is asked of hosts elsewhere, and the question whether it may be does not cover the first notebook.
	const settings = { "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false } };
	const files = { "kernels/tslab/kernel.json": kernel, "lab/settings/overrides.json": settings };
	const sources = contents(...filesIn(at("tools", "kernel")), at("src", "display", "table.ts"));
	await step("tslab kernel", at(".venv", ".stamps", "kernel"), [files, sources], async () => {
		const { build } = await import("esbuild");
		// Packages stay outside: Node finds them in the project's node_modules, since `.venv` is below it.
		await build({
			entryPoints: ["main", "control-thread"].map((name) => at("tools", "kernel", `${name}.ts`)),
			outdir: at(".venv", "share", "jupyter", "kernels", "tslab"),
			outExtension: { ".js": ".cjs" },
			bundle: true,
			packages: "external",
			platform: "node",
			sourcemap: true,
		});
		for (const [name, content] of Object.entries(files)) {
			const file = at(".venv", "share", "jupyter", name);
			mkdirSync(dirname(file), { recursive: true });
			writeFileSync(file, JSON.stringify(content, null, 2));
		}
	});
}

/** papermill learns TypeScript from `tools/papermill`, which this line puts on the path of the Python in `.venv`. */
async function installPapermillPlugin() {
	const packages = dirname(tensorflowDir());
	const line = `${relative(packages, at("tools", "papermill"))}\n`;
	await step("papermill for TypeScript", at(".venv", ".stamps", "papermill"), line, async () => {
		writeFileSync(join(packages, "papermill_typescript.pth"), line);
	});
}

/** Reports carry plotly inside them: minified it is half the size. */
async function minifyPlotly() {
	const source = at("node_modules", "plotly.js-dist", "plotly.js");
	const target = at("node_modules", ".cache", "plotly.min.js");
	const inputs = contents(at("node_modules", "plotly.js-dist", "package.json"));
	await step("plotly for reports", at("node_modules", ".stamps", "plotly"), inputs, async () => {
		const { transform } = await import("esbuild");
		const code = readFileSync(source, "utf8");
		// The licence stands in a comment that esbuild would not take for one.
		const [banner] = /\/\*[\s\S]*?\*\//.exec(code);
		const minified = await transform(code, { minify: true, charset: "ascii", legalComments: "inline", banner });
		mkdirSync(dirname(target), { recursive: true });
		writeFileSync(target, minified.code);
	});
}

/** What `--gpu` would use and install. */
function dryRun() {
	try {
		console.log(`GPU: ${findGpu().name}`);
	} catch (error) {
		console.log(`GPU: none; ${error.message}`);
	}
	const wheels = gpuWheels();
	for (const { name, version, megabytes } of wheels) console.log(`${name}==${version}  ${megabytes} MB`);
	console.log(`${wheels.length} wheels, ${gigabytes(wheels)} GB to download, 6 GB in ${shown(gpuFolder)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	await run(async () => {
		const type = "boolean";
		const { values } = parseArgs({ options: { gpu: { type }, cpu: { type }, "dry-run": { type } } });
		if (values.gpu && values.cpu) throw new Error("--gpu or --cpu: one of them");
		if (values["dry-run"]) return dryRun();
		await setup(values.gpu ? "gpu" : values.cpu ? "cpu" : undefined);
	});
}
