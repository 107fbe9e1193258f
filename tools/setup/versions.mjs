// The versions and the device that reports name. `node tools/setup/versions.mjs` prints them as JSON.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { chosenDevice, findGpu } from "./gpu.mjs";
import { versionOf } from "./packages.mjs";
import { tensorflowVersion } from "./tensorflow.mjs";

/** The packages whose versions matter to results. */
export const PACKAGES = ["@tensorflow/tfjs-node-gpu", "tslab", "sharp", "danfojs-node", "plotly.js-dist"];

/** The processor's name and threads. */
export const processor = () => `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} threads`;

/** Linux's names of the processor's instructions; none on other systems. */
export function processorFlags() {
	if (!existsSync("/proc/cpuinfo")) return [];
	return /^(?:flags|Features)\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1].split(" ") ?? [];
}

/** Whether the processor has instructions that multiply bfloat16, as `src/tensorflow/precision.ts` asks for. */
export const multipliesBfloat16 = () => processorFlags().some((flag) => ["amx_bf16", "avx512_bf16"].includes(flag));

/** @returns {{ versions: Record<string, string>, device: string }} */
export function versionsAndDevice() {
	return {
		versions: {
			node: process.versions.node,
			tensorflow: tensorflowVersion(),
			...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
		},
		device: gpuInUse() ?? `CPU: ${processor()}`,
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
