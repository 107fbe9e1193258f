// `npm run bench`: the kernel, the pipeline's steps and cleaning, ours and the Python originals in turn, on the same
// pictures and cores. `npm run bench -- kernel`, `pipeline` or `cleaning` measures only one of them. Three parts run only
// when asked for: `growth`, which has no Python side, `verdicts`, which compares what cleaning says of many damaged files
// with Pillow and TensorFlow, and `sweep`, beside Ray Tune. `--quick` takes fewer pictures and rounds; `--gpu` measures
// training on the GPU, and how much of the time it waits.
import { spawn } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { at, fromHere, python, root, run, runInTerminal, shown, wholeNumber } from "../setup/processes.mjs";
import { findGpu, gpuFolder, probe } from "../setup/gpu.mjs";
import { installPeers, setup } from "../setup/setup.mjs";
import { versionsAndDevice } from "../setup/versions.mjs";

const parts = ["kernel", "pipeline", "cleaning", "growth", "verdicts", "sweep"];
const asked = ["growth", "verdicts", "sweep"];
const pipelineSteps = [
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
/** Ours decodes in full; the one it has to beat is Pillow's full decode on all cores. */
const cleaningSteps = ["headers only", "full decode, one process", "full decode, all cores", "a second time"];
/** The last keeps Ray's processes from trial to trial; ours ends each. */
const sweepSteps = ["one at a time", "two at a time", "two at a time, processes kept"];
const gpuSteps = ["from files, batch 32", "from files, batch 256", "cached, batch 32", "cached, batch 256"];
/** So that a step lasts longer than the second or so that nvidia-smi takes means of. */
const GPU_EPOCHS = 20;
/** TensorFlow says only what is fatal. */
const quiet = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
const options = {
	dataset: { type: "string" },
	rounds: { type: "string", default: "5" },
	quick: { type: "boolean", default: false },
	gpu: { type: "boolean", default: false },
};

await run(async () => {
	const { values, positionals } = parseArgs({ allowPositionals: true, options });
	const rounds = values.quick ? 2 : wholeNumber("--rounds", values.rounds);
	const unknown = positionals.find((part) => !parts.includes(part));
	if (unknown) throw new Error(`there is no benchmark ${unknown}: expected ${parts.join(", ")}`);
	const all = positionals.length === 0 && !values.gpu;
	const chosen = (part) => positionals.includes(part) || (all && !asked.includes(part));
	await setup();
	const dataset = values.dataset ? fromHere(values.dataset) : at("dataset");
	if (!existsSync(join(dataset, "train"))) {
		throw new Error(`${dataset} has no train folder: run npm start once, which makes the sample data set`);
	}
	if (values.gpu) await benchGpu(dataset, rounds);
	if (chosen("kernel")) await runInTerminal(python, [at("tools", "bench", "kernels.py"), dataset, String(rounds)]);
	if (chosen("pipeline")) {
		const folder = values.quick ? linked(dataset, { train: 128, valid: 32, test: 64 }) : dataset;
		try {
			await benchPipeline(folder, rounds);
		} finally {
			if (values.quick) rmSync(folder, { recursive: true });
		}
	}
	if (chosen("cleaning")) await benchCleaning(dataset, rounds, values.quick);
	if (chosen("verdicts")) await compareVerdicts();
	if (chosen("sweep")) await benchSweep(dataset, rounds);
	if (chosen("growth")) {
		await runInTerminal("node", [await compiled("growth.ts"), dataset, at("bench")], { env: quiet });
	}
});

/** A data set with the first pictures of each class of another one. */
function linked(dataset, counts) {
	const folder = mkdtempSync(join(tmpdir(), "bench-"));
	for (const [split, count] of Object.entries(counts)) {
		for (const name of readdirSync(join(dataset, split))) {
			const target = join(folder, split, name);
			mkdirSync(target, { recursive: true });
			const files = readdirSync(join(dataset, split, name))
				.sort()
				.slice(0, count);
			for (const file of files) linkSync(join(dataset, split, name, file), join(target, file));
		}
	}
	return folder;
}

async function benchPipeline(dataset, rounds) {
	const commands = {
		ours: ["node", await compiled("ours.ts"), dataset],
		python: [await installPeers(), at("tools", "bench", "keras_peer.py"), dataset],
	};
	const whole = await wholeRuns(commands, Math.min(rounds, 3));
	report({ ...whole, ...(await interleaved(commands, pipelineSteps, rounds)) }, dataset, rounds, "results");
}

/** Training on the GPU, from files and from kept pictures; and the share of the time in which it has nothing to do. */
async function benchGpu(dataset, rounds) {
	const { problem } = probe();
	if (problem) throw new Error(`TensorFlow does not run on the GPU: ${problem}; npm run setup -- --gpu`);
	// The peer gets the same TensorFlow, with the same CUDA, and like ours takes memory as it needs it.
	const environment = { EPOCHS: GPU_EPOCHS, PYTHONPATH: gpuFolder, TF_FORCE_GPU_ALLOW_GROWTH: "true" };
	const commands = {
		ours: ["node", await compiled("ours.ts"), dataset],
		python: [await installPeers(), at("tools", "bench", "keras_peer.py"), dataset],
	};
	const waits = Object.fromEntries(gpuSteps.map((step) => [step, { ours: [], python: [] }]));
	const observe = (step, side) => {
		const stop = watchGpu();
		return () => waits[step][side].push(stop());
	};
	const results = await interleaved(commands, gpuSteps, rounds, { mode: "gpu", environment, observe });
	const images = GPU_EPOCHS * pictures(join(dataset, "train")).length;
	report(results, dataset, rounds, "gpu");
	console.log(`\n${findGpu().name}: images a second, and the share of the time that the GPU waits (ours, Python)`);
	for (const [step, sides] of Object.entries(results)) {
		const speeds = Object.values(sides).map((times) => ((1000 * images) / median(times)).toFixed(0));
		const shares = Object.values(waits[step]).map((values) => `${median(values).toFixed(0)} %`);
		console.log(`${step.padEnd(36)}${[...speeds, ...shares].map((cell) => cell.padStart(9)).join("")}`);
	}
}

/** Asks how busy the first GPU is, ten times a second; stopping gives the mean share in which it was not, in percent. */
function watchGpu() {
	const query = ["--id=0", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=100"];
	const child = spawn("nvidia-smi", query, { stdio: ["ignore", "pipe", "inherit"] });
	const busy = [];
	createInterface({ input: child.stdout }).on("line", (line) => busy.push(Number(line)));
	return () => {
		child.kill();
		return 100 - busy.reduce((sum, share) => sum + share, 0) / busy.length;
	};
}

/** Many files, as links to the training pictures; and how much memory their number takes. */
async function benchCleaning(dataset, rounds, quick) {
	const compiledOurs = await compiled("cleaning.ts");
	const folders = (quick ? [1000, 4000] : [1000, 20_000, 100_000]).map((count) => multiplied(dataset, count));
	try {
		const commands = {
			ours: ["node", compiledOurs, folders[1]],
			python: [await installPeers(), at("tools", "bench", "cleaning_peer.py"), folders[1]],
		};
		report(await interleaved(commands, cleaningSteps, rounds), dataset, rounds, "cleaning");
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
}

/** A folder with so many links to the training pictures, in turn. */
function multiplied(dataset, count) {
	mkdirSync(at("bench"), { recursive: true });
	const folder = mkdtempSync(at("bench", "links-"));
	const names = pictures(join(dataset, "train"));
	for (let i = 0; i < count; i++) {
		const name = names[i % names.length];
		linkSync(join(dataset, "train", name), join(folder, `${i}${extname(name)}`));
	}
	return folder;
}

function pictures(folder) {
	return readdirSync(folder, { recursive: true }).filter((name) => /\.\w+$/.test(name));
}

/** Trials of two epochs on some of the pictures, beside Ray Tune; and what two workers bring over one. */
async function benchSweep(dataset, rounds) {
	const trials = 4;
	const folder = linked(dataset, { train: 128, valid: 32 });
	try {
		const commands = {
			ours: ["node", "--require", "tsx/cjs", at("tools", "bench", "sweep.ts"), folder, "2", String(trials)],
			python: [await installPeers(), at("tools", "bench", "ray_peer.py"), folder, "2", String(trials)],
		};
		const parts = ["first step", "a trial but for its steps"];
		const results = await interleaved(commands, sweepSteps, rounds, { parts });
		report(results, folder, rounds, "sweep");
		console.log("\nTrials an hour (ours, Ray Tune), and how well two workers use two cores:");
		for (const step of sweepSteps) {
			const hourly = Object.values(results[step]).map((times) => (trials * 3_600_000) / median(times));
			console.log(`${step.padEnd(36)}${hourly.map((count) => count.toFixed(0).padStart(9)).join("")}`);
		}
		const [one, two] = sweepSteps.map((step) => median(results[step].ours));
		console.log(`efficiency of ours ${(one / two / 2).toFixed(2)}`);
		// Has no peer: trials that do nothing, through a Redis.
		const noOps = ["--require", "tsx/cjs", at("tools", "bench", "queue.ts"), folder, "10000"];
		await runInTerminal("node", noOps, { env: quiet });
	} finally {
		rmSync(folder, { recursive: true });
	}
}

async function compareVerdicts() {
	const peer = await installPeers();
	const folder = at("bench", "verdicts");
	await runInTerminal(peer, [at("tools", "bench", "verdicts.py"), folder], { env: quiet });
	await runInTerminal("node", [await compiled("verdicts.ts"), folder], { env: quiet });
}

function report(results, dataset, rounds, name) {
	const table = Object.entries(results).map(([step, { ours, python }]) => summary(step, ours, python));
	print(table);
	save(dataset, rounds, table, name);
}

/** A TypeScript file as JavaScript, beside the results: what compiles it must not be measured. */
async function compiled(file) {
	// Not there before set-up.
	const { build } = await import("esbuild");
	const outfile = at("bench", file.replace(".ts", ".cjs"));
	const entryPoints = [at("tools", "bench", file)];
	await build({ entryPoints, outfile, bundle: true, platform: "node", packages: "external", logLevel: "error" });
	return outfile;
}

/** Fresh processes that train: how long from their start until the first epoch is over, and the most memory they took. */
async function wholeRuns(commands, rounds) {
	const results = {
		"start to first epoch": { ours: [], python: [] },
		"most memory, in MB": { ours: [], python: [] },
	};
	for (let round = 1; round <= rounds; round++) {
		console.log(`whole runs, ${round} of ${rounds} …`);
		for (const side of inTurn(round)) {
			const started = performance.now();
			const child = start([...commands[side], "once"]);
			await child.answer();
			results["start to first epoch"][side].push(performance.now() - started);
			results["most memory, in MB"][side].push((await child.answer()).megabytes);
			await child.ended;
		}
	}
	return results;
}

/**
 * One process a side, which does a step for each line it is sent. A first round warms caches and does not count.
 *
 * @param observe is called before a step, and what it returns after it
 * @param parts what else a step's answer has, in milliseconds, which become steps of their own
 */
async function interleaved(
	commands,
	steps,
	rounds,
	{ mode = "steps", environment, observe = () => () => {}, parts = [] } = {},
) {
	const sides = {
		ours: start([...commands.ours, mode], environment),
		python: start([...commands.python, mode], environment),
	};
	const names = steps.flatMap((step) => [step, ...parts.map((part) => `${step}: ${part}`)]);
	const results = Object.fromEntries(names.map((name) => [name, { ours: [], python: [] }]));
	for (let round = 0; round <= rounds; round++) {
		console.log(round === 0 ? "steps, warming up …" : `steps, round ${round} of ${rounds} …`);
		for (const step of steps) {
			for (const side of inTurn(round)) {
				const observed = round > 0 ? observe(step, side) : () => {};
				const answer = await sides[side].ask(step);
				observed();
				if (round === 0) continue;
				results[step][side].push(answer.ms);
				for (const part of parts) results[`${step}: ${part}`][side].push(answer[part]);
			}
		}
	}
	for (const { end } of Object.values(sides)) end();
	return results;
}

/** Who goes first changes from round to round. */
function inTurn(round) {
	return round % 2 ? ["ours", "python"] : ["python", "ours"];
}

/** A process that answers in lines of JSON. */
function start([command, ...args], environment = {}) {
	const env = { ...quiet, ...environment };
	const child = spawn(command, args, { cwd: root, env, stdio: ["pipe", "pipe", "ignore"] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const answer = async () => {
		const { value, done } = await lines.next();
		if (done) throw new Error(`\`${[command, ...args].join(" ")}\` ended too early: run it by hand to see why`);
		return JSON.parse(value);
	};
	const ask = (step) => {
		child.stdin.write(`${step}\n`);
		return answer();
	};
	return { answer, ask, end: () => child.stdin.end(), ended: new Promise((resolve) => child.on("exit", resolve)) };
}

function median(values) {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The ratio of the medians, and the least and greatest ratio of a round. */
function summary(step, ours, python) {
	const ratios = ours.map((value, i) => python[i] / value);
	const spread = [Math.min(...ratios), Math.max(...ratios)];
	return { step, ours: median(ours), python: median(python), ratio: median(python) / median(ours), spread };
}

function print(table) {
	console.log("\nMedians, in seconds but for memory; a ratio above 1 says that ours is faster, or smaller.\n");
	const row = (...cells) => console.log(cells.map((cell, i) => (i ? cell.padStart(9) : cell.padEnd(58))).join(""));
	row("", "ours", "Python", "ratio", "   of a round");
	for (const { step, ours, python, ratio, spread } of table) {
		const unit = step.endsWith("MB") ? 1 : 1000;
		const numbers = [ours / unit, python / unit].map((value) => value.toFixed(unit === 1 ? 0 : 2));
		row(step, ...numbers, ratio.toFixed(2), `   ${spread.map((value) => value.toFixed(2)).join("–")}`);
	}
}

function save(dataset, rounds, table, name) {
	const machine = {
		processor: cpus()[0].model,
		cores: availableParallelism(),
		memoryGB: Math.round(totalmem() / 2 ** 30),
		platform: `${process.platform} ${process.arch}`,
	};
	const file = at("bench", `${name}.json`);
	mkdirSync(at("bench"), { recursive: true });
	const results = {
		date: new Date().toISOString(),
		machine,
		versions: versionsAndDevice().versions,
		dataset,
		rounds,
		table,
	};
	writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
	console.log(`\n${shown(file)} has these numbers.`);
}
