// Runs again what a record says, and answers figure by figure whether it comes out the same: `npm run reproduce -- RUN`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commands } from "../commands.mjs";
import { declaredBy, notebookNames } from "../jupyter/notebooks.mjs";
import { at, fromHere, root, shown } from "../setup/paths.mjs";
import { compareFigures, type Figure } from "./compare-figures";
import { differencesOf } from "./origin";
import { type NamedRun, readRun } from "./run-record";

/** Notebooks whose figures the record holds. */
const NOTEBOOKS = notebookNames().filter((name) => /^0[45]-/.test(name));

/** Exit codes: all figures are equal; results differ within their intervals; some differ by more. An error is 1. */
const CODES = { equal: 0, within: 2, different: 3 };

/** Says what differs here from a run, runs it again, and compares the figures. */
export async function main(args: string[]): Promise<void> {
	const { run, dataset } = readOptions(args);
	if (!run.test) throw new Error(`${run.name} has no evaluation to compare with: npm start makes a whole run`);
	const folder = mkdtempSync(join(tmpdir(), "reproduce-"));
	try {
		console.log(`Running ${NOTEBOOKS.join(" and ")} again on ${shown(dataset)} …`);
		runAgain(run, dataset, folder);
		const again = readRun(join(folder, "reports"), "reproduce");
		const differences = [...originDifferences(run, again), ...environmentDifferences(run, again)];
		console.log(["", "What differs here:", ...(differences.length > 0 ? differences : ["nothing"])].join("\n"));
		const figures = compareFigures(run, again);
		print(figures);
		process.exitCode = CODES[outcomeOf(figures)];
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** An epoch that went another way, which training by other kernels does, makes no other result. */
function outcomeOf(figures: Figure[]): keyof typeof CODES {
	if (figures.some(({ verdict, isResult }) => verdict === "different" && isResult)) return "different";
	return figures.every(({ verdict }) => verdict === "equal") ? "equal" : "within";
}

function readOptions(args: string[]): { run: NamedRun; dataset: string } {
	const options = { dataset: { type: "string" } } as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length !== 1) throw new Error(`expected one run: ${commands.reproduce.usage}`);
	const run = readRun(fromHere(positionals[0]), "reproduce");
	// A page holds the data set's name only.
	const known = existsSync(run.dataset) ? run.dataset : at("dataset");
	const dataset = values.dataset ? fromHere(values.dataset) : known;
	if (!existsSync(dataset)) throw new Error(`there is no ${dataset}: name the data set of the run with --dataset`);
	return { run, dataset };
}

function runAgain({ parameters }: NamedRun, dataset: string, folder: string): void {
	const declared = new Set(NOTEBOOKS.flatMap((name) => [...declaredBy(name).keys()]));
	const given = Object.entries(parameters)
		.filter(([name, value]) => declared.has(name) && value !== "")
		.flatMap(([name, value]) => ["-p", `${name}=${value}`]);
	const places = ["artifacts", "reports"].flatMap((name) => [`--${name}`, join(folder, name)]);
	const args = ["report", ...NOTEBOOKS, ...given, ...places, "--dataset", dataset, "--quiet", "--no-logs"];
	const { status } = spawnSync("node", [at("tools", "cli.mjs"), ...args], {
		cwd: root,
		stdio: ["ignore", "ignore", "inherit"],
	});
	if (status !== 0) throw new Error("the notebooks did not run to their end here, see above");
}

const originDifferences = (run: NamedRun, again: NamedRun): string[] =>
	run.origin && again.origin
		? differencesOf(run.origin, again.origin)
		: ["data, code and dependencies of the run are unknown: its record has no origin"];

/** What differs of versions and device. */
function environmentDifferences({ versions, device }: NamedRun, here: NamedRun): string[] {
	const names = Object.keys({ ...versions, ...here.versions });
	const differ = names.filter((name) => versions[name] !== here.versions[name]);
	const line = (name: string) =>
		`versions: ${name} ${here.versions[name] ?? "is missing"} instead of ${versions[name] ?? "none"}`;
	return [...differ.map(line), ...(device === here.device ? [] : [`device: ${here.device} instead of ${device}`])];
}

function print(figures: Figure[]): void {
	const unequal = figures.filter(({ verdict }) => verdict !== "equal");
	const width = Math.max(0, ...unequal.map(({ name }) => name.length));
	const words = { within: "within its interval", different: "different" } as Record<Figure["verdict"], string>;
	const lines = unequal.map(
		({ name, before, now, verdict }) =>
			`${name.padEnd(width)}  ${before ?? "none"} then, ${now ?? "none"} now: ${words[verdict]}`,
	);
	console.log(["", ...lines, `${figures.length - unequal.length} of ${figures.length} figures are equal.`].join("\n"));
}
