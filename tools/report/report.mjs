// Runs notebooks and writes their reports: `npm start` (all of them) and `npm run report -- [NOTEBOOK…]`.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
	at,
	browserCommand,
	fail,
	notebooks,
	python,
	pythonEnvironment,
	root,
	run,
	runQuietly,
	shown,
} from "../common.mjs";
import { readRun, writeComparison } from "./compare.mjs";
import { escapeHtml, page, table } from "./page.mjs";
import { parseArguments, usage } from "../run/arguments.mjs";
import { fillDataset, setup } from "../setup.mjs";
import { versionsAndDevice } from "../setup/versions.mjs";

const started = Date.now();

await run(async () => {
	const options = parseArguments(process.argv.slice(2));
	const { reports } = options;
	if (options.help) return console.log(usage());
	if (options.compare) {
		const runs = options.compare.map(readRun);
		await setup();
		return console.log(`Open ${shown(writeComparison(runs, reports))}`);
	}
	const browser = options.pdf && browserCommand();
	// Said before the notebooks take their minutes.
	if (options.pdf && !browser) fail("--pdf needs Chromium or Chrome: sudo apt install chromium");
	await setup();
	await prepareDataset(options);
	await execute(options);
	const metrics = collectMetrics(options);
	writeFileSync(join(reports, "metrics.json"), JSON.stringify(metrics, null, "\t"));
	if (options.pdf) for (const name of options.notebooks) await printPdf(browser, join(reports, `${name}.html`));
	writeIndex(reports, metrics);
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
		const child = spawn(python, [at("tools", "report", "run_notebooks.py")], {
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
		date: new Date().toISOString(),
		dataset,
		synthetic: existsSync(join(dataset, "sample.json")),
		classNames: training?.classNames ?? null,
		counts: { train: count("train"), valid: count("valid"), test: count("test") },
		removed: cleaning?.removed ?? null,
		// The numbers may be of an earlier training, which had parameters of its own.
		parameters: { ...values, ...training?.parameters },
		epochsRun,
		history,
		test: evaluation?.test ?? null,
		report: evaluation?.report ?? null,
		confusionMatrix: evaluation?.confusionMatrix ?? null,
		seconds: { clean: cleaning?.seconds ?? null, train: seconds, evaluate: evaluation?.seconds ?? null },
		...versionsAndDevice(),
	};
}

/** The page that leads to the reports, with the numbers of the run. */
function writeIndex(reports, metrics) {
	const { counts, test, epochsRun, seconds, parameters, versions } = metrics;
	const list = (object) => Object.entries(object).map(([name, value]) => `${name} ${value}`);
	const numbers = {
		"test accuracy": test?.accuracy.toFixed(5),
		"test loss": test?.loss.toFixed(5),
		"epochs run": epochsRun,
		"seconds of training": seconds.train?.toFixed(1),
	};
	const facts = {
		"Data set": metrics.dataset + (metrics.synthetic ? " (synthetic sample pictures)" : ""),
		Classes: metrics.classNames?.join(", "),
		Pictures: counts.train === null ? null : list(counts).join(", "),
		"Files removed by cleaning": metrics.removed,
		Parameters: list(parameters).join(", "),
		Versions: list(versions).join(", "),
		Device: metrics.device,
		Date: `${metrics.date.slice(0, 16).replace("T", " ")} UTC`,
	};
	const tiles = Object.entries(numbers).map(
		([name, value]) =>
			`<div><strong>${value ?? "–"}</strong>${name}${value === undefined || value === null ? " (not run)" : ""}</div>`,
	);
	const written = (name) => existsSync(join(reports, name));
	const links = notebooks()
		.filter((name) => written(`${name}.html`))
		.map((name) => {
			const pdf = written(`${name}.pdf`) ? ` (<a href="${name}.pdf">PDF</a>)` : "";
			return `<li><a href="${name}.html">${escapeHtml(title(name))}</a>${pdf}</li>`;
		});
	writeFileSync(
		join(reports, "index.html"),
		page(
			"Image classification: reports",
			`<h1>Image classification</h1>
<div class="tiles">${tiles.join("")}</div>
<h2>Reports</h2>
<ol>
${links.join("\n")}
</ol>
<h2>This run</h2>
${table(Object.entries(facts))}
<p>For programs: <a href="metrics.json">metrics.json</a></p>`,
		),
	);
}

/** The heading that a notebook starts with. */
function title(name) {
	const { cells } = JSON.parse(readFileSync(at("notebooks", `${name}.ipynb`), "utf8"));
	return [cells[0].source].flat().join("").split("\n")[0].replace(/^#\s*/, "");
}

async function printPdf(browser, html) {
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
