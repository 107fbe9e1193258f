// What ran: the versions and the device that reports name. `node tools/setup/versions.mjs` prints them as JSON.
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { at, tensorflowWheel } from "./processes.mjs";
import { chosenDevice, findGpu } from "./gpu.mjs";

const PACKAGES = ["@tensorflow/tfjs-node-gpu", "tslab", "sharp", "danfojs-node", "plotly.js-dist"];

export function versionsAndDevice() {
	const installed = (name) => JSON.parse(readFileSync(at("node_modules", name, "package.json"), "utf8")).version;
	return {
		versions: {
			node: process.versions.node,
			tensorflow: /-([\d.]+)\.dist-info$/.exec(tensorflowWheel())[1],
			...Object.fromEntries(PACKAGES.map((name) => [name, installed(name)])),
		},
		device: gpuInUse() ?? `CPU: ${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} threads`,
	};
}

/** The GPU that set-up chose, as long as its driver answers; else null. */
function gpuInUse() {
	if (chosenDevice() !== "gpu") return null;
	try {
		const { name, driver } = findGpu();
		return `GPU: ${name}, driver ${driver}`;
	} catch {
		return null;
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(versionsAndDevice()));
