// The parts of `npm run bench`, each ours next to its Python counterpart. A part gets the data set's folder, the number
// of rounds, and the options that it may heed.
import { readdirSync, rmSync } from "node:fs";
import { fillDataset } from "../data/fill";
import { installPeers } from "../setup/packages.mjs";
import { at, python } from "../setup/paths.mjs";
import { runInTerminal } from "../setup/processes.mjs";
import { growthByImages } from "./growth-images";
import { linked, multiplied, quickDataset } from "./links";
import { benchPage } from "./page";
import { benchPeers } from "./peers";
import { median, report } from "./results";
import { benchServe } from "./serve";
import { compiled, interleaved, start, wholeRuns } from "./sides";

/**
 * `quick`: with fewer images. `bfloat16`: also on a processor that has no instructions for it. `datasets`: folders of all data
 * sets that are named.
 */
type PartOptions = { quick: boolean; bfloat16: boolean; datasets: string[] };
type Part = (dataset: string, rounds: number, options: PartOptions) => Promise<void>;

const PIPELINE_STEPS = [
	"train, batch 32",
	"train, batch 32, many steps a call",
	"train, batch 128",
	"train, batch 128, many steps a call",
	"epoch from files",
	"epoch from files, augmented",
	"epoch, cached",
	"epoch, cached, augmented",
	"evaluate",
	"predict",
	"augment 100 batches",
];
/**
 * Ours decodes in full; the one it has to beat is Pillow's full decode on all cores. But `container only` decodes nothing, as
 * Pillow's `verify()`, which `headers only` is in one process.
 */
const CLEANING_STEPS = [
	"headers only",
	"container only, all cores",
	"full decode, one process",
	"full decode, all cores",
	"a second time",
];
/** The last keeps Ray's processes from trial to trial; ours ends each. */
const SWEEP_STEPS = ["one at a time", "two at a time", "two at a time, processes kept"];

const benchKernel: Part = async (dataset, rounds) => {
	await runInTerminal(python, [at("tools", "bench", "kernels.py"), dataset, String(rounds), await installPeers()]);
};

const benchPipeline: Part = async (dataset, rounds, { quick }) => {
	const folder = quick ? quickDataset(dataset) : dataset;
	try {
		const commands = {
			ours: ["node", await compiled("ours.ts"), folder],
			python: [await installPeers(), at("tools", "bench", "keras_peer.py"), folder],
		};
		const whole = await wholeRuns(commands, Math.min(rounds, 3));
		const steps = await interleaved(commands, PIPELINE_STEPS, rounds);
		report({ ...whole, ...steps }, { dataset: folder, rounds }, "results");
	} finally {
		if (quick) rmSync(folder, { recursive: true });
	}
};

/** Cleans many files, links to the training images, and measures how memory grows with their number. */
const benchCleaning: Part = async (dataset, rounds, { quick }) => {
	const compiledOurs = await compiled("cleaning.ts");
	const folders = (quick ? [1000, 4000] : [1000, 20_000, 100_000]).map((count) => multiplied(dataset, count));
	try {
		const commands = {
			ours: ["node", compiledOurs, folders[1]],
			python: [await installPeers(), at("tools", "bench", "cleaning_peer.py"), folders[1]],
		};
		report(await interleaved(commands, CLEANING_STEPS, rounds), { dataset, rounds }, "cleaning");
		for (const folder of folders) {
			const child = start(["node", compiledOurs, folder]);
			await child.ask("full decode, all cores");
			const { megabytes } = await child.ask("memory");
			console.log(`${readdirSync(folder).length} files: at most ${megabytes.toFixed(0)} MB`);
			child.end();
			await child.ended;
		}
	} finally {
		for (const folder of folders) rmSync(folder, { recursive: true });
	}
};

/** Computes the features of 128 images of each size, without reading files. */
const benchFeatures: Part = async (dataset, rounds) => {
	const commands = {
		ours: ["node", await compiled("features.ts")],
		python: [await installPeers(), at("tools", "bench", "features_peer.py")],
	};
	const steps = [224, 160, 128].map((size) => `${size} pixels, 128 images`);
	report(await interleaved(commands, steps, rounds), { dataset, rounds }, "features");
};

/** Runs trials of two epochs on some of the images, next to Ray Tune's, and compares two workers with one. */
const benchSweep: Part = async (dataset, rounds) => {
	const trials = 4;
	const folder = linked(dataset, { train: 128, valid: 32 });
	try {
		const commands = {
			ours: ["node", "--require", "tsx/cjs", at("tools", "bench", "sweep.ts"), folder, "2", String(trials)],
			python: [await installPeers(), at("tools", "bench", "ray_peer.py"), folder, "2", String(trials)],
		};
		const parts = ["first step", "a trial but for its steps"];
		const results = await interleaved(commands, SWEEP_STEPS, rounds, { parts });
		report(results, { dataset: folder, rounds }, "sweep");
		console.log("\nTrials an hour (ours, Ray Tune), and how well two workers use two cores:");
		for (const step of SWEEP_STEPS) {
			const hourly = Object.values(results[step]).map((times) => (trials * 3_600_000) / median(times));
			console.log(`${step.padEnd(36)}${hourly.map((count) => count.toFixed(0).padStart(9)).join("")}`);
		}
		const [one, two] = SWEEP_STEPS.map((step) => median(results[step].ours));
		console.log(`efficiency of ours ${(one / two / 2).toFixed(2)}`);
		// Without a peer: trials that do nothing, through a Redis.
		await runInTerminal("node", ["--import", "tsx", at("tools", "bench", "queue.ts"), folder, "10000"]);
	} finally {
		rmSync(folder, { recursive: true });
	}
};

/** Compares the verification results of many damaged files with Pillow's and TensorFlow's. */
const compareVerdicts: Part = async () => {
	const peer = await installPeers();
	const folder = at("bench", "verdicts");
	await runInTerminal(peer, [at("tools", "bench", "verdicts.py"), folder]);
	await runInTerminal("node", [await compiled("verdicts.ts"), folder]);
};

const benchGrowth: Part = async (dataset, _, { quick }) => {
	await growthByImages(quick ? [1000, 10_000] : [1000, 10_000, 100_000]);
	await runInTerminal("node", [await compiled("growth.ts"), dataset, at("bench")]);
};

/** Runs a program of this folder that takes folders of data sets, which are made first where they can be. */
async function runOn(datasets: string[], program: string, ...args: string[]): Promise<void> {
	for (const dataset of datasets) await fillDataset(dataset);
	const tsx = ["--require", at("src", "support", "tsx.cjs")];
	await runInTerminal("node", [...tsx, at("tools", "bench", program), ...args, ...datasets]);
}

/** Finds planted wrong labels, next to cleanlab, in each data set. */
const benchReview: Part = async (_, rounds, { datasets }) =>
	runOn(datasets, "review.ts", await installPeers(), String(rounds));

/** Tells the images of each data set from those of the others, and from noise. */
const benchStrangers: Part = (_, __, { datasets }) => runOn(datasets, "strangers.ts");

/** Compares ways of choosing the images to label next, with as many seeds as rounds. */
const benchLabelNext: Part = (_, rounds, { datasets }) => runOn(datasets, "label-next.ts", String(rounds));

/** The parts in the order in which they run; those that are `optional` only when they are named. */
export const parts: Record<string, { run: Part; optional?: boolean }> = {
	kernel: { run: benchKernel },
	pipeline: { run: benchPipeline },
	cleaning: { run: benchCleaning },
	verdicts: { run: compareVerdicts, optional: true },
	sweep: { run: benchSweep, optional: true },
	growth: { run: benchGrowth, optional: true },
	features: { run: benchFeatures, optional: true },
	peers: { run: benchPeers, optional: true },
	serve: { run: benchServe, optional: true },
	page: { run: benchPage, optional: true },
	review: { run: benchReview, optional: true },
	strangers: { run: benchStrangers, optional: true },
	"label-next": { run: benchLabelNext, optional: true },
};
