// `npm run bench`: the kernel, the pipeline's steps and cleaning, ours and the Python originals in turn, on the same
// pictures and cores. `npm run bench -- kernel`, `pipeline` or `cleaning` measures only one of them. Two parts run only
// when asked for: `growth`, which has no Python side, and `verdicts`, which compares what cleaning says of many damaged
// files with Pillow and TensorFlow. `--quick` takes fewer pictures and rounds.
import { spawn } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { at, fromHere, python, root, run, runInTerminal, shown } from "./common.mjs";
import { installPeers, setup } from "./setup.mjs";
import { versionsAndDevice } from "./versions.mjs";

const parts = ["kernel", "pipeline", "cleaning", "growth", "verdicts"];
const asked = ["growth", "verdicts"];
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
const options = {
	dataset: { type: "string" },
	rounds: { type: "string", default: "5" },
	quick: { type: "boolean", default: false },
};

await run(async () => {
	const { values, positionals } = parseArgs({ allowPositionals: true, options });
	const rounds = values.quick ? 2 : Number(values.rounds);
	if (!Number.isInteger(rounds) || rounds < 1)
		throw new Error(`--rounds ${values.rounds}: expected a whole number above 0`);
	const unknown = positionals.find((part) => !parts.includes(part));
	if (unknown) throw new Error(`there is no benchmark ${unknown}: expected ${parts.join(", ")}`);
	const chosen = (part) => positionals.includes(part) || (positionals.length === 0 && !asked.includes(part));
	await setup();
	const dataset = values.dataset ? fromHere(values.dataset) : at("dataset");
	if (!existsSync(join(dataset, "train"))) {
		throw new Error(`${dataset} has no train folder: run npm start once, which makes the sample data set`);
	}
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
	if (chosen("growth")) {
		const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
		await runInTerminal("node", [await compiled("growth.ts"), dataset, at("bench")], { env });
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
	const pictures = readdirSync(join(dataset, "train"), { recursive: true }).filter((name) => /\.\w+$/.test(name));
	for (let i = 0; i < count; i++) {
		const name = pictures[i % pictures.length];
		linkSync(join(dataset, "train", name), join(folder, `${i}${extname(name)}`));
	}
	return folder;
}

async function compareVerdicts() {
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
	const peer = await installPeers();
	const folder = at("bench", "verdicts");
	await runInTerminal(peer, [at("tools", "bench", "verdicts.py"), folder], { env });
	await runInTerminal("node", [await compiled("verdicts.ts"), folder], { env });
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

/** One process a side, which does a step for each line it is sent. A first round warms caches and does not count. */
async function interleaved(commands, steps, rounds) {
	const sides = { ours: start([...commands.ours, "steps"]), python: start([...commands.python, "steps"]) };
	const results = Object.fromEntries(steps.map((step) => [step, { ours: [], python: [] }]));
	for (let round = 0; round <= rounds; round++) {
		console.log(round === 0 ? "steps, warming up …" : `steps, round ${round} of ${rounds} …`);
		for (const step of steps) {
			for (const side of inTurn(round)) {
				const { ms } = await sides[side].ask(step);
				if (round > 0) results[step][side].push(ms);
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
function start([command, ...args]) {
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
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
	const row = (...cells) => console.log(cells.map((cell, i) => (i ? cell.padStart(9) : cell.padEnd(36))).join(""));
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
