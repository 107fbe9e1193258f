// `npm run doctor`: what is installed, which device TensorFlow uses, what is wrong and how to mend it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { at, browserCommand, outputOf, python, runQuietly, tensorflowDir } from "./common.mjs";
import { checkNode, findCompiler, findPython, setup } from "./setup.mjs";

const install = "npm run setup";

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
		const tslab = join(at("node_modules", "tslab", "dist", "converter.js"));
		if (!existsSync(tslab) || !readFileSync(tslab, "utf8").includes("findProjectRoot")) {
			throw new Error(`tslab is not patched: remove node_modules and run ${install}`);
		}
		return patched.join(", ");
	},
	JupyterLab: () => required(outputOf(python, ["-m", "jupyter", "lab", "--version"]), ".venv has no JupyterLab"),
	"tslab kernel": () => {
		const file = at(".venv", "share", "jupyter", "kernels", "tslab", "kernel.json");
		return required(existsSync(file) && file, "the kernel is not installed");
	},
	TensorFlow: async () => {
		required(tensorflowDir(), ".venv has no TensorFlow");
		// In a process of its own, since a library that does not fit can end it.
		const script = `
			const tf = require("@tensorflow/tfjs-node-gpu");
			const { binding, isUsingGpuDevice } = tf.backend();
			const image = tf.ones([1, 8, 8, 1]);
			const sum = tf.conv2d(image, tf.ones([3, 3, 1, 1]), 1, "valid").sum().dataSync()[0];
			console.log(JSON.stringify({ version: binding.TF_Version, gpu: isUsingGpuDevice, right: sum === 324 }));`;
		const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
		const output = await runQuietly("node", ["-e", script], { env }).catch((error) => {
			throw new Error(`${error.message}\n  mend it: remove node_modules and .venv, and run ${install}`);
		});
		const { version, gpu, right } = JSON.parse(output.trim().split("\n").at(-1));
		required(right, "a small convolution gives a wrong result");
		return `${version} on the ${gpu ? "GPU" : "CPU"}; a small convolution gives the right result`;
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

function versionOf(name) {
	const file = at("node_modules", name, "package.json");
	required(existsSync(file), `${name} is not installed`);
	return JSON.parse(readFileSync(file, "utf8")).version;
}
