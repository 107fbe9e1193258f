// Runs notebooks and writes their reports: `npm start` (all of them) and `npm run report -- [NOTEBOOK…]`.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { withBackboneDefaults } from "../../src/pipeline/parameters";
import { requireFolder, statOrNull } from "../../src/support/files";
import { requireWritable } from "../../src/support/writing";
import { fillDataset } from "../data/fill";
import { splitDataset } from "../data/own";
import { title } from "../jupyter/notebooks.mjs";
import { asInNotebook, type NotebookArguments, type Parameters, parseArguments, type Values } from "../run/arguments";
import { at, python, pythonEnvironment, root, shown } from "../setup/paths.mjs";
import { compressedPlotly } from "../setup/plotly.mjs";
import { fetchWeights, networks } from "../setup/weights.mjs";
import { writeCards } from "./cards";
import { writeComparison } from "./compare";
import { writeIndex } from "./index-page";
import { modelPageOf, predictionsJson } from "./interactive-sections";
import { writeLogs } from "./logs";
import { fullName, labelled, luckLines, luckOf } from "./luck";
import { findBrowser, printPdf } from "./print-pdf";
import { type RunRecord, readRun, recordsOf, writeRun } from "./run-record";
import { stampPages } from "./stamp";
import { finish, resume, unfinishedFile } from "./unfinished";

/** Runs notebooks with the given parameters and writes their pages, an index and `metrics.json`; or compares runs. */
export async function main(args: string[]): Promise<void> {
	const given = parseArguments(args);
	const { reports } = given;
	if (given.compare) {
		const runs = given.compare.map((path) => readRun(path));
		for (const line of luckLines(luckOf(labelled(runs)), fullName)) console.log(line);
		console.log(`Open ${shown(writeComparison(runs, reports))}`);
		return;
	}
	// Found, or missed, before the notebooks take their minutes.
	const browser = given.pdf ? findBrowser() : null;
	const dataset = await prepareDataset(given);
	const options =
		dataset === given.dataset ? given : { ...given, dataset, parameters: { ...given.parameters, dataset } };
	requireSpace(options);
	const backbone = String(options.values.backbone);
	if (networks.includes(backbone)) await fetchWeights(backbone);
	const code = await execute(options, resume(options));
	if (code !== 0) {
		process.exitCode = code;
		return;
	}
	finish(reports);
	const records = await recordsOf(dataset, options.artifacts);
	const { training, issues, evaluation } = records;
	const predictions = records.predictions && predictionsJson(records.predictions, options.withNames);
	const record = await writeRun(options, records, predictions);
	const modelPage = options.withModel && training ? await modelPageOf(options.artifacts) : null;
	stampPages(options, record, { predictions, modelPage });
	writeCards({ run: record, training, issues, evaluation, predictions: records.predictions }, options);
	if (!options.noLogs) await writeLogs({ run: record, training }, options);
	if (browser) await printPages(browser, options);
	const index = join(reports, "index.html");
	writeIndex(reports, record);
	if (options.json) process.stdout.write(readFileSync(join(reports, "metrics.json")));
	else console.log(summary(record, index));
	if (options.open) openInBrowser(index);
}

async function printPages(browser: string, { notebooks, reports }: NotebookArguments): Promise<void> {
	for (const name of notebooks) {
		const pdf = join(reports, `${name}.pdf`);
		await printPdf(browser, join(reports, `${name}.html`), pdf);
		console.log(`Wrote ${shown(pdf)}`);
	}
}

/** What a run has found, and what comes next. */
function summary(record: RunRecord, index: string): string {
	const { verdict, removed, dataset } = record;
	return [
		...verdict,
		removed && `Cleaning moved ${removed} files to the quarantine in ${shown(dataset)}.`,
		// With set-up, which runs in this process too.
		`Done in ${Math.round(process.uptime())} s. Open ${shown(index)}`,
		"Next: npm run lab opens the notebooks, to change a hyperparameter and run again.",
	]
		.filter(Boolean)
		.join("\n");
}

function openInBrowser(page: string): void {
	const command = process.platform === "darwin" ? "open" : "xdg-open";
	spawn(command, [page], { stdio: "ignore", detached: true })
		.on("error", () => console.log(`${command} is not there: open ${shown(page)} in a browser`))
		.unref();
}

/** Checks that the pages, of which each holds plotly, and the artifacts can be written. */
function requireSpace({ notebooks, reports, artifacts }: NotebookArguments): void {
	const missing = notebooks.filter((name) => !existsSync(join(reports, `${name}.html`)));
	const { size } = statSync(compressedPlotly);
	// One more, since a page is written next to the one that it replaces.
	requireWritable(reports, (missing.length + 1) * size);
	requireWritable(artifacts);
}

/** Makes sample images and Fashion-MNIST where they are missing, and splits images that are not; returns their folder. */
async function prepareDataset({ dataset, values }: NotebookArguments): Promise<string> {
	await fillDataset(dataset);
	if (!statOrNull(dataset)?.isFile()) requireFolder(dataset, "read");
	return splitDataset(dataset, Number(values.seed));
}

/** The parameters for a notebook: those that it declares. One that knows no backbone does not get its defaults either. */
function parametersOf(declared: Parameters, given: Values): Values {
	const parameters = Object.entries(declared.has("backbone") ? withBackboneDefaults(given) : given);
	return Object.fromEntries(
		parameters.flatMap(([key, value]) => (declared.has(key) ? [[key, asInNotebook(key, value)]] : [])),
	);
}

/**
 * Has papermill run the notebooks and nbconvert write their pages; their progress goes to the terminal.
 *
 * @param done the notebooks that need not run again
 * @returns the exit code, 130 after an interrupt
 */
function execute(options: NotebookArguments, done: string[]): Promise<number> {
	const { notebooks, declared, parameters, reports, noInput, quiet, json } = options;
	const numbered = notebooks.map((name, i) => ({
		position: `${i + 1}/${notebooks.length}`,
		name,
		title: title(name),
		source: at("notebooks", `${name}.ipynb`),
		parameters: parametersOf(declared[name], parameters),
	}));
	for (const { name, position, title } of numbered)
		if (done.includes(name)) console.log(`${position} ${title}  done before the interrupt (--restart runs it again)`);
	const job = {
		notebooks: numbered.filter(({ name }) => !done.includes(name)),
		reports,
		noInput,
		quiet: quiet || json,
		unfinished: unfinishedFile(reports),
	};
	return new Promise((done, failed) => {
		const child = spawn(python, [at("tools", "report", "run_notebooks.py")], {
			cwd: root,
			env: pythonEnvironment,
			stdio: ["pipe", "inherit", "inherit"],
			// Out of reach of the terminal's Ctrl-C, after which nbclient would wait.
			detached: true,
		});
		child.stdin.end(JSON.stringify(job));
		const stop = () => child.kill("SIGUSR1");
		const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
		for (const signal of signals) process.on(signal, stop);
		child.on("error", failed);
		child.on("exit", (code) => {
			for (const signal of signals) process.off(signal, stop);
			if (code === null || code === 130) console.log("\nInterrupted. The same command goes on where it was.");
			done(code ?? 130);
		});
	});
}
