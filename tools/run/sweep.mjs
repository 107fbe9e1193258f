// `npm run sweep -- FILE.json`: many trainings with parameters from a space, compared.
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { at, fromHere, run, runInTerminal } from "../common.mjs";
import { setup } from "../setup.mjs";

const usage = `npm run sweep -- FILE.json [--dataset DIR] [--folder DIR] [--trials N] [--workers N] [--threads N] [--redis URL]
                            [--report best|N]

FILE.json has the space, and what else is to be said:
  { "space": { "learningRate": { "type": "loguniform", "low": 1e-4, "high": 1e-2 },
               "dropout": { "type": "uniform", "low": 0, "high": 0.6 },
               "batchSize": { "type": "choice", "choices": [16, 32, 64] }, "epochs": 5 },
    "trials": 20, "objective": "valLoss", "halving": { "minEpochs": 1, "reductionFactor": 3 } }

--report then runs the notebooks of training and evaluation with the best trial's parameters, or those of trial N.`;
const known = [
	"space",
	"dataset",
	"folder",
	"objective",
	"trials",
	"seed",
	"workers",
	"threads",
	"halving",
	"retries",
	"redis",
];

await run(async () => {
	const type = "string";
	const numbers = { trials: { type }, workers: { type }, threads: { type } };
	const options = {
		dataset: { type },
		folder: { type },
		redis: { type },
		report: { type },
		help: { type: "boolean", short: "h" },
		...numbers,
	};
	const { values, positionals } = parseArgs({ allowPositionals: true, options });
	if (values.help) return console.log(usage);
	if (positionals.length !== 1) throw new Error(`expected one file with a space:\n${usage}`);
	const [file] = positionals.map(fromHere);
	const given = read(file);
	for (const name of Object.keys(numbers)) {
		if (values[name] !== undefined) given[name] = Number(values[name]);
		if (given[name] === undefined || (Number.isInteger(given[name]) && given[name] > 0)) continue;
		throw new Error(`${name} is ${values[name] ?? given[name]}: expected a whole number above 0`);
	}
	const report = values.report ?? null;
	if (report !== null && !/^(best|\d+)$/.test(report)) {
		throw new Error(`--report ${report}: expected best, or the number of a trial`);
	}
	const folder = values.folder ?? given.folder;
	const dataset = values.dataset ?? given.dataset;
	const job = {
		...given,
		report,
		redis: values.redis ?? given.redis ?? process.env.REDIS_URL,
		dataset: dataset ? fromHere(dataset) : at("dataset"),
		folder: folder ? fromHere(folder) : at("artifacts", "sweeps"),
	};
	await setup();
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3", SWEEP: JSON.stringify(job) };
	const args = ["--require", "tsx/cjs", at("tools", "run", "sweep.ts")];
	process.exitCode = await runInTerminal("node", args, { env });
});

function read(file) {
	if (!existsSync(file)) throw new Error(`there is no ${file}`);
	let given;
	try {
		given = JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		throw new Error(`${file} is no JSON: ${error.message}`);
	}
	if (typeof given?.space !== "object") throw new Error(`${file} has no space:\n${usage}`);
	const unknown = Object.keys(given).find((name) => !known.includes(name));
	if (unknown) throw new Error(`${file} has ${unknown}: expected ${known.join(", ")}`);
	return given;
}
