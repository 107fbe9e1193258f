// Runs notebooks and writes their reports: `npm start` (all of them) and `npm run report -- [NOTEBOOK…]`.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SPLITS, splitFolder } from "../../src/images/folders";
import { requireFolder } from "../../src/support/files";
import { requireWritable, writeError } from "../../src/support/writing";
import { fillDataset } from "../data/fill";
import { type NotebookArguments, parseArguments } from "../run/arguments";
import { at, python, pythonEnvironment, root, shown } from "../setup/paths.mjs";
import { browserCommand, runQuietly } from "../setup/processes.mjs";
import { writeComparison } from "./compare";
import { writeIndex } from "./index-page";
import { readRun, writeRun } from "./run-record";

/** Runs notebooks with the given parameters and writes their pages, an index and `metrics.json`; or compares two runs. */
export async function main(args: string[]): Promise<void> {
	const options = parseArguments(args);
	const { reports } = options;
	if (options.compare) {
		const [a, b] = options.compare.map(readRun);
		console.log(`Open ${shown(writeComparison(a, b, reports))}`);
		return;
	}
	// Found, or missed, before the notebooks take their minutes.
	const browser = options.pdf ? findBrowser() : null;
	await prepareDataset(options.dataset);
	requireSpace(options);
	const code = await execute(options);
	if (code !== 0) {
		process.exitCode = code;
		return;
	}
	const record = writeRun(options);
	if (browser) for (const name of options.notebooks) await printPdf(browser, join(reports, `${name}.html`));
	writeIndex(reports, record);
	// With set-up, which runs in this process too.
	console.log(`Done in ${Math.round(process.uptime())} s. Open ${shown(join(reports, "index.html"))}`);
}

function findBrowser(): string {
	const browser = browserCommand();
	if (browser) return browser;
	throw new Error("--pdf needs Chromium or Chrome: sudo apt install chromium");
}

/** Checks that the pages, of which each holds plotly, and the artifacts can be written. */
function requireSpace({ notebooks, reports, artifacts }: NotebookArguments): void {
	const missing = notebooks.filter((name) => !existsSync(join(reports, `${name}.html`)));
	const { size } = statSync(at("node_modules", ".cache", "plotly.min.js"));
	// One more, since a page is written next to the one that it replaces.
	requireWritable(reports, (missing.length + 1) * size);
	requireWritable(artifacts);
}

/** Checks the folder of the data set; the default one gets the sample images if it is empty. */
async function prepareDataset(dataset: string): Promise<void> {
	if (dataset === at("dataset")) await fillDataset();
	requireFolder(dataset, "read");
	const missing = SPLITS.find((split) => !existsSync(splitFolder(dataset, split)));
	if (!missing) return;
	throw new Error(
		`${shown(dataset)} has no ${missing} folder: expected ${missing}/<class>/*.jpg. To split a folder of class folders: npm run dataset -- ${shown(dataset)}`,
	);
}

/**
 * Has papermill run the notebooks and nbconvert write their pages; their progress goes to the terminal.
 *
 * @returns the exit code, 130 after an interrupt
 */
function execute({ notebooks, declared, parameters, reports, noInput }: NotebookArguments): Promise<number> {
	const job = {
		reports,
		noInput,
		notebooks: notebooks.map((name) => ({
			name,
			source: at("notebooks", `${name}.ipynb`),
			parameters: Object.fromEntries(Object.entries(parameters).filter(([key]) => declared[name].has(key))),
		})),
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
			if (code === null || code === 130) console.log("\nInterrupted. The same command starts the notebooks again.");
			done(code ?? 130);
		});
	});
}

async function printPdf(browser: string, html: string): Promise<void> {
	const pdf = html.replace(/\.html$/, ".pdf");
	const part = `${pdf}.${process.pid}.part`;
	const flags = [
		"--headless",
		"--no-sandbox",
		"--disable-gpu",
		"--no-pdf-header-footer",
		"--virtual-time-budget=10000",
	];
	try {
		await runQuietly(browser, [...flags, `--print-to-pdf=${part}`, pathToFileURL(html).href]);
		// On a full disk, Chromium leaves a part of it and ends well.
		if (!readFileSync(part).subarray(-32).includes("%%EOF")) throw writeError(pdf, { code: "ENOSPC" });
		renameSync(part, pdf);
	} finally {
		rmSync(part, { force: true });
	}
	console.log(`Wrote ${shown(pdf)}`);
}
