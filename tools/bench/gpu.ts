// Training on the GPU, from files and from decoded images that are kept; and the time in which the GPU waits.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findGpu, probe } from "../setup/gpu.mjs";
import { installPeers } from "../setup/packages.mjs";
import { at, gpuFolder } from "../setup/paths.mjs";
import { imagesIn } from "./links";
import { median, report } from "./results";
import { compiled, interleaved, type Measurements, type Side } from "./sides";

const STEPS = ["from files, batch 32", "from files, batch 256", "cached, batch 32", "cached, batch 256"];
/** So that a step lasts longer than the second or so over which nvidia-smi takes means. */
const EPOCHS = 20;

export async function benchGpu(dataset: string, rounds: number): Promise<void> {
	const { problem } = probe();
	if (problem) throw new Error(`TensorFlow does not run on the GPU: ${problem}; run npm run setup -- --gpu`);
	// The peer gets the same TensorFlow, with the same CUDA, and like ours takes memory as it needs it.
	const environment = { EPOCHS: String(EPOCHS), PYTHONPATH: gpuFolder, TF_FORCE_GPU_ALLOW_GROWTH: "true" };
	const commands = {
		ours: ["node", await compiled("ours.ts"), dataset],
		python: [await installPeers(), at("tools", "bench", "keras_peer.py"), dataset],
	};
	const waits: Measurements = Object.fromEntries(STEPS.map((step) => [step, { ours: [], python: [] }]));
	const observe = (step: string, side: Side) => {
		const stop = watchGpu();
		return () => waits[step][side].push(stop());
	};
	const results = await interleaved(commands, STEPS, rounds, { mode: "gpu", environment, observe });
	report(results, { dataset, rounds }, "gpu");
	const images = EPOCHS * imagesIn(join(dataset, "train")).length;
	console.log(`\n${findGpu().name}: images a second, and the fraction of time that the GPU waits (ours, Python)`);
	for (const [step, sides] of Object.entries(results)) {
		const speeds = Object.values(sides).map((times) => ((1000 * images) / median(times)).toFixed(0));
		const fractions = Object.values(waits[step]).map((values) => `${median(values).toFixed(0)} %`);
		console.log(`${step.padEnd(36)}${[...speeds, ...fractions].map((cell) => cell.padStart(9)).join("")}`);
	}
}

/** Samples the first GPU's utilization, ten times a second; stopping returns the mean time that it waited, in %. */
function watchGpu(): () => number {
	const query = ["--id=0", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=100"];
	const child = spawn("nvidia-smi", query, { stdio: ["ignore", "pipe", "inherit"] });
	const busy: number[] = [];
	createInterface({ input: child.stdout }).on("line", (line) => busy.push(Number(line)));
	return () => {
		child.kill();
		return 100 - busy.reduce((sum, percent) => sum + percent, 0) / busy.length;
	};
}
