// The training step and predict, ours in turn with each framework as its users tune it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { installTunedPeers } from "../setup/packages.mjs";
import { at } from "../setup/paths.mjs";
import { multipliesBfloat16 } from "../setup/versions.mjs";
import { imagesIn, quickDataset } from "./links";
import { printProfile } from "./profile";
import { median, save, summary } from "./results";
import { compiled, interleaved, type Measurements, start } from "./sides";

type Precision = "float32" | "bfloat16";
/** By step: milliseconds of each round, by contestant. */
type Times = Measurements<string>;

const STEPS = ["train, batch 32", "train, batch 128", "predict"];
/** By precision: how ours is called, and its hyperparameter. */
const OURS: Record<Precision, [name: string, precision: string]> = {
	float32: ["ours", "float32"],
	bfloat16: ["ours, mixed_bfloat16", "mixed_bfloat16"],
};
/**
 * Billions of operations of an image in the products of a training step: of the network's four convolutions and two dense
 * layers 0.069 forward, as much for the gradients of the inputs but for the first layer's (0.007), as much for those of the
 * weights.
 */
const GFLOP = 3 * 0.069 - 0.007;
/** By precision: each peer's program and variant. */
const PEERS: Record<Precision, Record<string, [program: string, variant: string]>> = {
	float32: {
		"Keras on TensorFlow": ["keras_tuned.py", "plain"],
		"Keras, best steps_per_execution": ["keras_tuned.py", "steps"],
		"Keras, jit_compile": ["keras_tuned.py", "jit"],
		"Keras on JAX": ["keras_tuned.py", "jax"],
		PyTorch: ["torch_tuned.py", "float32"],
		"PyTorch, torch.compile": ["torch_tuned.py", "float32-compile"],
	},
	bfloat16: {
		"Keras, mixed_bfloat16": ["keras_tuned.py", "bfloat16"],
		"PyTorch, autocast": ["torch_tuned.py", "bfloat16"],
		"PyTorch, autocast, torch.compile": ["torch_tuned.py", "bfloat16-compile"],
	},
};

export async function benchPeers(
	dataset: string,
	rounds: number,
	{ quick, bfloat16 }: { quick: boolean; bfloat16: boolean },
): Promise<void> {
	const python = await installTunedPeers();
	const precisions = measuredPrecisions(bfloat16);
	const { compiles, ...gemm } = await abilities(python, precisions);
	const folder = quick ? quickDataset(dataset) : dataset;
	try {
		const program = await compiled("ours.ts");
		const commands: Record<string, string[]> = {};
		for (const [name, precision] of precisions.map((each) => OURS[each]))
			commands[name] = ["node", program, folder, precision];
		for (const [name, [program, variant]] of precisions.flatMap((precision) => Object.entries(PEERS[precision]))) {
			if (variant.endsWith("compile") && !compiles) continue;
			commands[name] = [python, at("tools", "bench", program), folder, variant];
		}
		const times = await interleaved(commands, STEPS, rounds);
		const speeds = speedsOf(times, imagesIn(join(folder, "train")).length);
		const ratios = precisions.flatMap((precision) =>
			againstBest(times, precision, Object.keys(PEERS[precision]), OURS[precision][0]),
		);
		print(speeds, ratios);
		printShares(speeds, gemm);
		for (const [name] of precisions.map((each) => OURS[each])) printProfile(name, commands[name]);
		save([...speeds, ...ratios], { dataset: folder, rounds, gemm }, "peers");
	} finally {
		if (quick) rmSync(folder, { recursive: true });
	}
}

/** Says why bfloat16 is not measured. */
function measuredPrecisions(bfloat16: boolean): Precision[] {
	if (!bfloat16 && !multipliesBfloat16()) {
		console.log("bfloat16 is not measured: this processor has no instructions for it (--bfloat16 measures it anyway)");
		return ["float32"];
	}
	return ["float32", "bfloat16"];
}

/** What PyTorch makes of this machine: billions of operations a second by precision, and whether torch.compile works. */
async function abilities(python: string, precisions: Precision[]): Promise<Record<string, number>> {
	const program = [python, at("tools", "bench", "torch_abilities.py"), ...precisions];
	const child = start(program);
	const { compiles, ...gemm } = await child.answer();
	await child.ended;
	const peaks = Object.entries(gemm).map(([precision, gflops]) => `${gflops.toFixed(0)} GFLOP/s in ${precision}`);
	console.log(`GEMM peak (2048³, PyTorch): ${peaks.join(", ")}`);
	if (!compiles) console.log(`torch.compile does not work here: \`${program.join(" ")}\` says why`);
	return { compiles, ...gemm };
}

/** Images a second: median, least and greatest of the rounds. */
function speedsOf(times: Times, images: number) {
	return Object.entries(times).flatMap(([step, contestants]) =>
		Object.entries(contestants).map(([contestant, values]) => {
			const [speed, least, greatest] = [median(values), Math.max(...values), Math.min(...values)].map(
				(ms) => (1000 * images) / ms,
			);
			return { step, contestant, speed, least, greatest };
		}),
	);
}

/** Compares ours, in each step, with the fastest of these peers. */
export function againstBest(times: Times, precision: string, peers: string[], ours = "ours") {
	return Object.entries(times).map(([step, contestants]) => {
		const measured = peers.filter((peer) => contestants[peer]);
		const best = measured.reduce((a, b) => (median(contestants[b]) < median(contestants[a]) ? b : a));
		const { ratio, spread } = summary(step, contestants[ours], contestants[best]);
		return { step, precision, best, ratio, spread };
	});
}

function print(speeds: ReturnType<typeof speedsOf>, ratios: ReturnType<typeof againstBest>): void {
	console.log("\nImages a second: the median, and the least and greatest of a round.\n");
	const row = (...cells: string[]) =>
		console.log(cells.map((cell, i) => (i ? cell.padStart(24) : cell.padEnd(36))).join(""));
	row("", ...STEPS);
	for (const name of new Set(speeds.map(({ contestant }) => contestant))) {
		const own = speeds.filter(({ contestant }) => contestant === name);
		row(
			name,
			...own.map(({ speed, least, greatest }) => `${speed.toFixed(0)} (${least.toFixed(0)}–${greatest.toFixed(0)})`),
		);
	}
	console.log("\nRatios of medians, and the least and greatest of a round; above 1 ours is faster.\n");
	for (const { step, precision, best, ratio, spread } of ratios) {
		const between = spread.map((value) => value.toFixed(2)).join("–");
		console.log(
			`${`${step}: ours / best of ${precision} (${best})`.padEnd(78)}${ratio.toFixed(2).padStart(6)}   ${between}`,
		);
	}
}

/** Prints how much of what a matrix product reaches on this machine the products of our training step do. */
function printShares(speeds: ReturnType<typeof speedsOf>, gemm: Record<string, number>): void {
	const shares = speeds.flatMap(({ step, contestant, speed }) => {
		const precision = (Object.keys(gemm) as Precision[]).find((each) => OURS[each][0] === contestant);
		if (!precision || step === "predict") return [];
		return [`${contestant}, ${step}: ${((100 * speed * GFLOP) / gemm[precision]).toFixed(0)} %`];
	});
	console.log(`\nShare of the GEMM peak:\n${shares.join("\n")}`);
}
