// Runs notebooks and writes their reports: `npm start` (all of them) and `npm run report -- [NOTEBOOK…]`.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import {
	at,
	browserCommand,
	fail,
	fromHere,
	notebooks,
	python,
	pythonEnvironment,
	root,
	run,
	runQuietly,
	tensorflowWheel,
} from "./common.mjs";
import { parseArguments, usage } from "./parameters.mjs";
import { fillDataset, setup } from "./setup.mjs";

const started = Date.now();
/** A path as short as it is clear: relative only to what lies below the user's folder. */
const shown = (path) => {
	const short = relative(fromHere("."), path);
	return short === "" || short.startsWith("..") ? path : short;
};

await run(async () => {
	const options = parseArguments(process.argv.slice(2));
	if (options.help) return console.log(usage());
	await setup();
	await prepareDataset(options);
	const { reports } = options;
	await execute(options);
	const metrics = collectMetrics(options);
	writeFileSync(join(reports, "metrics.json"), JSON.stringify(metrics, null, "\t"));
	writeIndex(reports, metrics);
	if (options.pdf) for (const name of options.notebooks) await printPdf(join(reports, `${name}.html`));
	console.log(`Done in ${Math.round((Date.now() - started) / 1000)} s. Open ${shown(join(reports, "index.html"))}`);
});

/** The default folder is filled with the sample pictures when it is empty; any other must be there. */
async function prepareDataset({ dataset }) {
	if (dataset === at("dataset")) await fillDataset();
	if (!existsSync(dataset)) fail(`--dataset ${shown(dataset)}: there is no such folder`);
	for (const split of ["train", "valid", "test"]) {
		if (existsSync(join(dataset, split))) continue;
		fail(
			`${shown(dataset)} has no ${split} folder: expected ${split}/<class>/*.jpg. To split a folder of class folders: npm run dataset -- ${shown(dataset)}`,
		);
	}
}

/** Hands the notebooks to papermill and nbconvert; their progress goes to the terminal. */
function execute({ notebooks: names, declared, parameters, reports, noInput }) {
	const job = {
		reports,
		noInput,
		notebooks: names.map((name) => ({
			name,
			source: at("notebooks", `${name}.ipynb`),
			parameters: Object.fromEntries(Object.entries(parameters).filter(([key]) => declared[name].has(key))),
		})),
	};
	mkdirSync(reports, { recursive: true });
	return new Promise((done, failed) => {
		const child = spawn(python, [at("tools", "run_notebooks.py")], {
			cwd: root,
			env: pythonEnvironment,
			stdio: ["pipe", "inherit", "inherit"],
			// Out of reach of the terminal's Ctrl-C, which nbclient would take as a reason to wait.
			detached: true,
		});
		child.stdin.end(JSON.stringify(job));
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill("SIGUSR1"));
		child.on("error", failed);
		child.on("exit", (code, signal) => {
			if (code === 0) return done();
			if (signal || code === 130) console.log("\nInterrupted. The same command starts the notebooks again.");
			process.exit(signal ? 130 : code);
		});
	});
}

/** Gathers what the notebooks left in the artifacts folder into the one file that programs read. */
function collectMetrics({ dataset, artifacts, values }) {
	const artifact = (name) => {
		const file = join(artifacts, `${name}.json`);
		return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
	};
	const [cleaning, training, evaluation] = ["cleaning", "training", "evaluation"].map(artifact);
	const count = (split) =>
		cleaning?.counts.filter((row) => row.split === split).reduce((total, row) => total + row.pictures, 0) ?? null;
	const { seconds = null, epochsRun = null, ...history } = training?.history ?? {};
	return {
		dataset,
		synthetic: existsSync(join(dataset, "sample.json")),
		classNames: training?.classNames ?? null,
		counts: { train: count("train"), valid: count("valid"), test: count("test") },
		removed: cleaning?.removed ?? null,
		parameters: values,
		epochsRun,
		history,
		test: evaluation?.test ?? null,
		report: evaluation?.report ?? null,
		confusionMatrix: evaluation?.confusionMatrix ?? null,
		seconds: { clean: cleaning?.seconds ?? null, train: seconds, evaluate: evaluation?.seconds ?? null },
		versions: versions(),
		device: `CPU: ${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} threads`,
	};
}

function versions() {
	const installed = (name) => JSON.parse(readFileSync(at("node_modules", name, "package.json"), "utf8")).version;
	const packages = ["@tensorflow/tfjs-node-gpu", "tslab", "sharp", "danfojs-node", "plotly.js-dist"];
	return {
		node: process.versions.node,
		tensorflow: /-([\d.]+)\.dist-info$/.exec(tensorflowWheel())[1],
		...Object.fromEntries(packages.map((name) => [name, installed(name)])),
	};
}

/** The page that leads to the reports, with the numbers of the run. */
function writeIndex(reports, metrics) {
	const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
	const rows = {
		"Data set": metrics.dataset + (metrics.synthetic ? " (synthetic sample pictures)" : ""),
		Classes: metrics.classNames?.join(", "),
		Pictures: Object.entries(metrics.counts)
			.map(([split, count]) => `${count} ${split}`)
			.join(", "),
		"Files removed by cleaning": metrics.removed,
		"Test accuracy": metrics.test?.accuracy.toFixed(5),
		"Test loss": metrics.test?.loss.toFixed(5),
		"Epochs run": metrics.epochsRun,
		"Seconds of training": metrics.seconds.train?.toFixed(1),
		Parameters: Object.entries(metrics.parameters)
			.map(([name, value]) => `${name} ${value}`)
			.join(", "),
		Versions: Object.entries(metrics.versions)
			.map(([name, version]) => `${name} ${version}`)
			.join(", "),
		Device: metrics.device,
		Date: new Date().toISOString().slice(0, 16).replace("T", " "),
	};
	const table = Object.entries(rows).map(
		([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value ?? "not run")}</td></tr>`,
	);
	const links = notebooks()
		.filter((name) => existsSync(join(reports, `${name}.html`)))
		.map((name) => `<li><a href="${name}.html">${title(name)}</a></li>`);
	writeFileSync(
		join(reports, "index.html"),
		`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Image classification: reports</title>
<style>
	body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark; }
	th { text-align: left; vertical-align: top; padding-right: 1.5rem; white-space: nowrap; }
	td { overflow-wrap: anywhere; }
</style>
<h1>Image classification</h1>
<ol>
${links.join("\n")}
</ol>
<h2>This run</h2>
<table>
${table.join("\n")}
</table>
<p><a href="metrics.json">metrics.json</a></p>
`,
	);
}

/** The heading that a notebook starts with. */
function title(name) {
	const { cells } = JSON.parse(readFileSync(at("notebooks", `${name}.ipynb`), "utf8"));
	return [cells[0].source].flat().join("").split("\n")[0].replace(/^#\s*/, "");
}

async function printPdf(html) {
	const browser = browserCommand();
	if (!browser) fail("--pdf needs Chromium or Chrome: sudo apt install chromium. The HTML reports are written.");
	const pdf = html.replace(/\.html$/, ".pdf");
	const flags = [
		"--headless",
		"--no-sandbox",
		"--disable-gpu",
		"--no-pdf-header-footer",
		"--virtual-time-budget=10000",
	];
	await runQuietly(browser, [...flags, `--print-to-pdf=${pdf}`, `file://${resolve(html)}`]);
	console.log(`Wrote ${shown(pdf)}`);
}
