// `npm run doctor`: what is installed, which device TensorFlow uses, what is wrong and how to fix it.
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chosenDevice, findGpu, gpuWheel, probe } from "./gpu.mjs";
import { versionOf } from "./packages.mjs";
import { at, gpuFolder, python, root, shown } from "./paths.mjs";
import { browserCommand, outputOf } from "./processes.mjs";
import { checkNode, findCompiler, findPython } from "./requirements.mjs";
import { setup } from "./setup.mjs";
import { tensorflowDir } from "./tensorflow.mjs";
import { messageOf } from "./text.mjs";
import { multipliesBfloat16, PACKAGES, processor, processorFlags } from "./versions.mjs";

const install = "npm run setup";

/**
 * Each check returns what it found, or throws with what is wrong and what to do.
 *
 * @type {Record<string, () => string>}
 */
const checks = {
	Node: () => {
		checkNode();
		const { node } = process.versions;
		return node.startsWith("20.") ? `${node}, which gets no more updates: Node 26 is recommended` : node;
	},
	CPU: cpu,
	"Memory and disk": () => {
		const { bavail, bsize } = statfsSync(root);
		return `${(totalmem() / 1e9).toFixed(0)} GB of memory; ${((bavail * bsize) / 1e9).toFixed(1)} GB free on the disk`;
	},
	Python: () => required(outputOf(findPython(), ["--version"]), "Python does not start"),
	"C++ compiler": () => required(outputOf(findCompiler(), ["--version"]), "the compiler does not start").split("\n")[0],
	"Node packages": () => PACKAGES.map((name) => `${name} ${installedVersion(name)}`).join(", "),
	Patches: patches,
	JupyterLab: () => required(outputOf(python, ["-m", "jupyter", "lab", "--version"]), ".venv has no JupyterLab"),
	"tslab kernel": () => {
		const file = at(".venv", "share", "jupyter", "kernels", "tslab", "kernel.json");
		return required(existsSync(file) && file, "the kernel is not installed");
	},
	TensorFlow: () => {
		tensorflowDir();
		const { version, device, right } = probeOnce();
		required(right, "a small convolution gives a wrong result");
		return `${version}; a small convolution on ${device} gives the right result`;
	},
	GPU: gpu,
	"Chromium (for --pdf)": () =>
		browserCommand() ?? "none: PDF reports need one, for example: sudo apt install chromium",
	"Data set": () => {
		if (!existsSync(at("dataset", "train"))) return "none yet: npm start makes a synthetic one";
		return existsSync(at("dataset", "sample.json")) ? "the synthetic sample images" : "your own images";
	},
};

/**
 * Sets up what can be set up, then prints every check; the exit code is 1 when one fails.
 *
 * @param {string[]} args
 */
export async function main(args) {
	const { values } = parseArgs({ args, options: { json: { type: "boolean" } } });
	await setup().catch((error) => console.log(messageOf(error)));
	const results = Object.entries(checks).map(([name, check]) => {
		try {
			return { name, ok: true, found: check() };
		} catch (error) {
			return { name, ok: false, found: messageOf(error) };
		}
	});
	const wrong = results.filter(({ ok }) => !ok).length;
	process.exitCode = wrong === 0 ? 0 : 1;
	if (values.json)
		return void process.stdout.write(`${JSON.stringify({ ok: wrong === 0, checks: results }, null, 2)}\n`);
	for (const { name, ok, found } of results) console.log(`${ok ? "✓" : "✗"} ${name}: ${found}`);
	console.log(wrong === 0 ? "Everything is in place." : `${wrong} of ${results.length} checks failed.`);
}

/** Instructions that make TensorFlow faster, by their names in Linux. */
const INSTRUCTIONS = {
	avx2: "AVX2",
	avx512f: "AVX-512",
	avx512_vnni: "AVX512-VNNI",
	avx512_bf16: "AVX512-BF16",
	amx_bf16: "AMX-BF16",
	asimd: "NEON",
	bf16: "BF16",
};

function cpu() {
	const flags = processorFlags();
	if (flags.length === 0) return processor();
	const has = Object.entries(INSTRUCTIONS).filter(([flag]) => flags.includes(flag));
	const bfloat16 = multipliesBfloat16() ? "in hardware" : "emulated, slower";
	const labels = has.map(([, label]) => label).join(", ") || "no vector instructions that TensorFlow is faster with";
	return `${processor()}; ${labels}; mixed_bfloat16 is ${bfloat16}`;
}

function patches() {
	const patched = readdirSync(at("patches")).map((file) => file.replace(/\.patch$/, ""));
	const backend = at("node_modules", "@tensorflow", "tfjs-node-gpu", "dist", "nodejs_kernel_backend.js");
	if (!existsSync(backend) || readFileSync(backend, "utf8").includes("isNullOrUndefined")) {
		throw new Error(`tfjs-node-gpu is not patched: remove node_modules and run ${install}`);
	}
	return patched.join(", ");
}

function gpu() {
	let found;
	try {
		found = findGpu();
	} catch (error) {
		if (chosenDevice() === "gpu") throw error;
		return `none: ${messageOf(error)}`;
	}
	const { name, memory, used, driver, capability } = found;
	const free = `${inGB(memory - used)} of ${inGB(memory)} GB free`;
	const summary = `${name}, ${free}, compute capability ${capability}, driver ${driver}`;
	if (chosenDevice() !== "gpu") return `${summary}; not used, \`${install} -- --gpu\` changes that`;
	const { problem, missing, libraries } = probeOnce();
	const details = [
		`${summary}; CUDA ${gpuWheel("cuda-runtime").version}, cuDNN ${gpuWheel("cudnn").version}`,
		...libraries.map((file) => `loaded ${shown(file)}`),
		...missing.map(({ name, why }) => `not loaded: ${name}, ${whereIs(name)}: ${why}`),
	].join("\n  ");
	if (!problem) return details;
	throw new Error(
		`${details}\n  It is not used: ${problem}.\n  nvidia-smi shows which programs keep it busy; ${install} -- --gpu tries again, --cpu uses the CPU`,
	);
}

/** @param {number} mebibytes */
const inGB = (mebibytes) => ((mebibytes * 2 ** 20) / 1e9).toFixed(1);

/**
 * @template T
 * @param {T} value
 * @param {string} problem
 * @returns {Exclude<T, null | undefined | false | "">}
 */
function required(value, problem) {
	if (value) return /** @type {Exclude<T, null | undefined | false | "">} */ (value);
	throw new Error(`${problem}: run ${install}`);
}

/** @type {import("./gpu.mjs").Probe | undefined} */
let probed;

/** What TensorFlow reports, determined once for two checks. */
function probeOnce() {
	try {
		probed ??= probe();
		return probed;
	} catch (error) {
		throw new Error(`${messageOf(error)}\n  To fix: remove node_modules and .venv, and run ${install}`);
	}
}

/** @param {string} library */
function whereIs(library) {
	const packages = join(gpuFolder, "nvidia");
	const folder =
		existsSync(packages) && readdirSync(packages).find((name) => existsSync(join(packages, name, "lib", library)));
	return folder ? `which lies in ${shown(join(packages, folder, "lib"))}` : `which is not in ${shown(gpuFolder)}`;
}

/** @param {string} name */
function installedVersion(name) {
	required(existsSync(at("node_modules", name, "package.json")), `${name} is not installed`);
	return versionOf(name);
}
