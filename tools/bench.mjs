// `npm run bench`: the pipeline's steps and the kernel, ours and the Python originals in turn, on the same pictures and
// cores. `npm run bench -- kernel` and `npm run bench -- pipeline` measure only one of them.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { at, fromHere, python, root, run, runInTerminal } from "./common.mjs";
import { installPeers, setup } from "./setup.mjs";

const steps = ["verify headers", "decode in full", "train an epoch", "evaluate"];

await run(async () => {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: { dataset: { type: "string" }, rounds: { type: "string", default: "5" } },
	});
	const rounds = Number(values.rounds);
	if (!Number.isInteger(rounds) || rounds < 1)
		throw new Error(`--rounds ${values.rounds}: expected a whole number above 0`);
	const unknown = positionals.find((part) => !["kernel", "pipeline"].includes(part));
	if (unknown) throw new Error(`there is no benchmark ${unknown}: expected kernel or pipeline`);
	const chosen = (part) => positionals.length === 0 || positionals.includes(part);
	await setup();
	const dataset = values.dataset ? fromHere(values.dataset) : at("dataset");
	if (!existsSync(join(dataset, "train"))) {
		throw new Error(`${dataset} has no train folder: run npm start once, which makes the sample data set`);
	}
	if (chosen("kernel")) await runInTerminal(python, [at("tools", "bench", "kernels.py"), dataset, String(rounds)]);
	if (chosen("pipeline")) await benchPipeline(dataset, rounds);
});

async function benchPipeline(dataset, rounds) {
	const peerPython = await installPeers();
	const sides = {
		ours: worker("node", ["--import", "tsx", at("tools", "bench", "ours.ts"), dataset]),
		python: worker(peerPython, [at("tools", "bench", "keras_peer.py"), dataset]),
	};
	const times = await interleave(sides, rounds);
	for (const { stop } of Object.values(sides)) stop();
	print(times, rounds);
}

/** A process that does a step for each line it is sent, and answers with how long it took. */
function worker(command, args) {
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
	const child = spawn(command, args, { cwd: root, env, stdio: ["pipe", "pipe", "ignore"] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const measure = async (step) => {
		child.stdin.write(`${step}\n`);
		const { value, done } = await lines.next();
		if (done) throw new Error(`\`${[command, ...args].join(" ")}\` ended during "${step}": run it by hand to see why`);
		return JSON.parse(value).ms;
	};
	return { measure, stop: () => child.stdin.end() };
}

/** Who goes first changes from round to round, and a first round, which compiles and warms caches, does not count. */
async function interleave(sides, rounds) {
	const times = Object.fromEntries(steps.map((step) => [step, { ours: [], python: [] }]));
	for (let round = 0; round <= rounds; round++) {
		console.log(round === 0 ? "warming up …" : `round ${round} of ${rounds} …`);
		for (const step of steps) {
			for (const side of round % 2 ? ["ours", "python"] : ["python", "ours"]) {
				const ms = await sides[side].measure(step);
				if (round > 0) times[step][side].push(ms);
			}
		}
	}
	return times;
}

function print(times, rounds) {
	const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
	console.log(`\nMedians of ${rounds} rounds in seconds; a ratio above 1 says that ours is faster.\n`);
	console.log(`${"".padEnd(16)}${"ours".padStart(9)}${"Python".padStart(9)}${"ratio".padStart(9)}`);
	for (const [step, { ours, python }] of Object.entries(times)) {
		const [a, b] = [median(ours), median(python)];
		const cells = [a / 1000, b / 1000, b / a].map((value) => value.toFixed(2).padStart(9));
		console.log(step.padEnd(16) + cells.join(""));
	}
}
