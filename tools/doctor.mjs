// `npm run doctor`: what is installed, which device TensorFlow uses, what is wrong and how to mend it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { at, browserCommand, outputOf, python, shown, tensorflowDir } from "./common.mjs";
import { chosenDevice, findGpu, gpuFolder, gpuWheels, probe } from "./gpu.mjs";
import { checkNode, findCompiler, findPython, setup } from "./setup.mjs";

const install = "npm run setup";
let probed;
const inGB = (mebibytes) => ((mebibytes * 2 ** 20) / 1e9).toFixed(1);

/** Each check returns what it found, or throws with what is wrong and what to do. */
const checks = {
	Node: () => {
		checkNode();
		return process.versions.node;
	},
	Python: () => outputOf(findPython(), ["--version"]),
	"C++ compiler": () => outputOf(findCompiler(), ["--version"]).split("\n")[0],
	"Node packages": () => {
		const names = ["tslab", "@tensorflow/tfjs-node-gpu", "danfojs-node", "sharp", "plotly.js-dist"];
		return names.map((name) => `${name} ${versionOf(name)}`).join(", ");
	},
	Patches: () => {
		const patched = readdirSync(at("patches")).map((file) => file.replace(/\.patch$/, ""));
		const backend = at("node_modules", "@tensorflow", "tfjs-node-gpu", "dist", "nodejs_kernel_backend.js");
		if (!existsSync(backend) || readFileSync(backend, "utf8").includes("isNullOrUndefined")) {
			throw new Error(`tfjs-node-gpu is not patched: remove node_modules and run ${install}`);
		}
		return patched.join(", ");
	},
	JupyterLab: () => required(outputOf(python, ["-m", "jupyter", "lab", "--version"]), ".venv has no JupyterLab"),
	"tslab kernel": () => {
		const file = at(".venv", "share", "jupyter", "kernels", "tslab", "kernel.json");
		return required(existsSync(file) && file, "the kernel is not installed");
	},
	TensorFlow: () => {
		required(tensorflowDir(), ".venv has no TensorFlow");
		const { version, device, right } = tensorflow();
		required(right, "a small convolution gives a wrong result");
		return `${version}; a small convolution on ${device} gives the right result`;
	},
	GPU: () => {
		let gpu;
		try {
			gpu = findGpu();
		} catch (error) {
			if (chosenDevice() === "gpu") throw error;
			return `none: ${error.message}`;
		}
		const { name, memory, used, driver, capability } = gpu;
		const found = `${name}, ${inGB(memory - used)} of ${inGB(memory)} GB free, compute capability ${capability}, driver ${driver}`;
		if (chosenDevice() !== "gpu") return `${found}; not used, \`${install} -- --gpu\` changes that`;
		const { problem, missing, libraries } = tensorflow();
		const of = (part) => gpuWheels().find(({ name }) => name.includes(part)).version;
		const details = [
			`${found}; CUDA ${of("cuda-runtime")}, cuDNN ${of("cudnn")}`,
			...libraries.map((file) => `loaded ${shown(file)}`),
			...missing.map(({ name, why }) => `not loaded: ${name}, ${whereIs(name)}: ${why}`),
		].join("\n  ");
		if (!problem) return details;
		throw new Error(
			`${details}\n  It is not used: ${problem}.\n  nvidia-smi shows who keeps it busy; ${install} -- --gpu tries again, --cpu does without`,
		);
	},
	"Chromium (for --pdf)": () =>
		browserCommand() ?? "none: PDF reports need one, for example: sudo apt install chromium",
	"Data set": () => {
		if (!existsSync(at("dataset", "train"))) return "none yet: npm start makes a synthetic one";
		return existsSync(at("dataset", "sample.json")) ? "the synthetic sample pictures" : "your own pictures";
	},
};

await setup().catch((error) => console.log(error.message));
let wrong = 0;
for (const [name, check] of Object.entries(checks)) {
	try {
		console.log(`✓ ${name}: ${await check()}`);
	} catch (error) {
		wrong++;
		console.log(`✗ ${name}: ${error.message}`);
	}
}
console.log(wrong === 0 ? "Everything is in place." : `${wrong} of ${Object.keys(checks).length} checks failed.`);
process.exitCode = wrong === 0 ? 0 : 1;

function required(value, problem) {
	if (value) return value;
	throw new Error(`${problem}: run ${install}`);
}

/** What TensorFlow says of itself, asked once. */
function tensorflow() {
	try {
		probed ??= probe();
		return probed;
	} catch (error) {
		throw new Error(`${error.message}\n  mend it: remove node_modules and .venv, and run ${install}`);
	}
}

function whereIs(library) {
	const packages = join(gpuFolder, "nvidia");
	const folder =
		existsSync(packages) && readdirSync(packages).find((name) => existsSync(join(packages, name, "lib", library)));
	return folder ? `which lies in ${shown(join(packages, folder, "lib"))}` : `which is not in ${shown(gpuFolder)}`;
}

function versionOf(name) {
	const file = at("node_modules", name, "package.json");
	required(existsSync(file), `${name} is not installed`);
	return JSON.parse(readFileSync(file, "utf8")).version;
}
