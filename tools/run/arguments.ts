// Reads the command line of the commands that run notebooks: what the notebooks' `parameters` cells declare.
import { existsSync } from "node:fs";
import { relative } from "node:path";
import {
	expectedValue,
	PARAMETERS,
	type TrainingParameters,
	withBackboneDefaults,
} from "../../src/pipeline/parameters";
import { datasetFolder } from "../data/fill";
import { declaredBy, notebookNames } from "../jupyter/notebooks.mjs";
import { expectedNumber, toNumber } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { nearest, toFlag } from "../setup/text.mjs";

export type Value = number | string | boolean;
export type Values = Record<string, Value>;
/** Parameters by name, each with its default and what it means. */
export type Parameters = ReturnType<typeof declaredBy>;

export interface NotebookArguments {
	/** The notebooks to run, in order. */
	notebooks: string[];
	/** The parameters that each notebook declares. */
	declared: Record<string, Parameters>;
	/** The parameters that were given. */
	parameters: Values;
	/** All parameters but the folders, with the default of those that were not given. */
	values: Values;
	dataset: string;
	artifacts: string;
	reports: string;
	/** Whether to print PDFs too. */
	pdf: boolean;
	/** Whether to leave the code out. */
	noInput: boolean;
	/** Whether the page of the evaluation holds the model, to be tried. */
	withModel: boolean;
	/** Whether it holds the names of the test images. */
	withNames: boolean;
	/** Whether to open the index in a browser. */
	open: boolean;
	/** Whether to print nothing but errors. */
	quiet: boolean;
	/** Whether to print the run's record as JSON, and nothing else. */
	json: boolean;
	/** Whether to run what an interrupted run has done, too. */
	restart: boolean;
	/** Whether to write no logs for TensorBoard. */
	noLogs: boolean;
	/** The paths of the runs to compare, two or more, instead of running notebooks. */
	compare: string[] | null;
}

/** Parameters that are folders: relative to where the command was typed, not to the notebook. */
const FOLDERS = new Set(["dataset", "artifacts"]);

/**
 * A value as a notebook takes it: a folder relative to the notebook's, so that pages that are passed on do not tell where
 * it lies on this machine.
 */
export const asInNotebook = (name: string, value: Value): Value =>
	FOLDERS.has(name) ? relative(at("notebooks"), String(value)) : value;

/**
 * Reads `--batch-size 16`, `-p batchSize=16`, switches such as `--pdf`, `--reports DIR`, `--compare RUN RUN…` and
 * the names of notebooks.
 *
 * @throws with one line that says which argument is wrong and what was expected
 */
export function parseArguments(args: string[]): NotebookArguments {
	const names = notebookNames();
	const declared = Object.fromEntries(names.map((name) => [name, declaredBy(name)]));
	const known: Parameters = new Map(names.flatMap((name) => [...declared[name]]));
	const given = readArguments(args, names, known);
	const runsNotebooks = given.notebooks.length > 0 || Object.keys(given.parameters).length > 0;
	if (given.compare && (runsNotebooks || given.pdf || given.noInput)) {
		throw new Error("--compare runs no notebooks: with its runs it takes only --reports");
	}
	const all: Values = Object.fromEntries([...known].map(([name, { value }]) => [name, value]));
	for (const name of FOLDERS) all[name] = at(name);
	const { dataset, artifacts, ...values } = Object.assign(all, withBackboneDefaults(given.parameters));
	return {
		...given,
		notebooks: names.filter((name) => given.notebooks.length === 0 || given.notebooks.includes(name)),
		declared,
		values,
		dataset: String(dataset),
		artifacts: String(artifacts),
		reports: fromHere(given.reports),
		compare: given.compare?.map(fromHere) ?? null,
	};
}

/** Flags without a value, and what they set. */
const SWITCHES = {
	"--pdf": "pdf",
	"--no-input": "noInput",
	"--with-model": "withModel",
	"--with-names": "withNames",
	"--open": "open",
	"--quiet": "quiet",
	"--json": "json",
	"--restart": "restart",
	"--no-logs": "noLogs",
} as const;
type Switches = Record<(typeof SWITCHES)[keyof typeof SWITCHES], boolean>;
type Given = Pick<NotebookArguments, "notebooks" | "parameters" | "compare" | "reports"> & Switches;

/** Reads the arguments from left to right; paths stay as they were typed. */
function readArguments(args: string[], names: string[], known: Parameters): Given {
	const switches = Object.fromEntries(Object.values(SWITCHES).map((name) => [name, false])) as Switches;
	const given: Given = { notebooks: [], parameters: {}, compare: null, reports: "reports", ...switches };
	const queue = args.flatMap((arg) =>
		/^--[\w-]+=/.test(arg) ? [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)] : [arg],
	);
	const next = (flag: string) => {
		const value = queue.shift();
		if (value === undefined) throw new Error(`${flag} needs a value`);
		return value;
	};
	for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
		if (Object.hasOwn(SWITCHES, arg)) given[SWITCHES[arg as keyof typeof SWITCHES]] = true;
		else if (arg === "--reports") given.reports = next(arg);
		else if (arg === "--compare") {
			const end = queue.findIndex((run) => run.startsWith("-"));
			given.compare = queue.splice(0, end === -1 ? queue.length : end);
			if (given.compare.length >= 2) continue;
			throw new Error("--compare needs two runs or more: --compare reports/a reports/b");
		} else if (arg === "-p") {
			const [name, ...value] = next(arg).split("=");
			if (value.length === 0) throw new Error(`-p ${name}: expected name=value, for example -p epochs=3`);
			setParameter(given.parameters, known, `-p ${name}`, name, value.join("="));
		} else if (arg.startsWith("--")) {
			const name = arg.slice(2).replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
			if (!known.has(name)) throw new Error(unknown(arg, known));
			setParameter(given.parameters, known, arg, name, next(arg));
		} else given.notebooks.push(findNotebook(arg, names));
	}
	return given;
}

function setParameter(parameters: Values, known: Parameters, flag: string, name: string, text: string): void {
	const parameter = known.get(name);
	if (!parameter) throw new Error(unknown(flag, known));
	if (name === "dataset") parameters[name] = datasetFolder(text);
	else if (FOLDERS.has(name)) parameters[name] = fromHere(text);
	else if (name === "backbone") parameters[name] = backbone(flag, text);
	else parameters[name] = convert(flag, name, text, parameter.value);
}

/** A backbone by name stays one; an address too, and what else there is is a folder, seen from where it was typed. */
function backbone(flag: string, text: string): string {
	const { names } = PARAMETERS.backbone;
	if (names.includes(text) || /^https?:/.test(text)) return text;
	const folder = fromHere(text);
	if (existsSync(folder)) return folder;
	const close = nearest(text, names);
	const meant = close ? `did you mean ${close}?` : `expected ${names.join(", ")}, or the folder or address of a model`;
	throw new Error(`${flag} ${text}: there is no such network or folder: ${meant}`);
}

/** A text is any, but for a hyperparameter that declares names one of them. */
function checkedText(flag: string, name: string, text: string): string {
	const expected = isHyperparameter(name) ? expectedValue(name, text) : null;
	if (expected === null) return text;
	const close = nearest(text, expected.split(", "));
	throw new Error(`${flag} ${text}: ${close ? `did you mean ${close}?` : `expected ${expected}`}`);
}

/** Converts the text to a value of the default's type. */
function convert(flag: string, name: string, text: string, fallback: Value): Value {
	if (typeof fallback === "string") return checkedText(flag, name, text);
	const isSwitch = typeof fallback === "boolean";
	const value = isSwitch && /^(true|false)$/.test(text) ? text === "true" : toNumber(text);
	const expected = expectedInstead(name, value, fallback);
	if (expected === null) return value;
	throw new Error(`${flag} ${text}: expected ${expected}${isSwitch ? "" : `, for example ${fallback}`}`);
}

const isHyperparameter = (name: string): name is keyof TrainingParameters => Object.hasOwn(PARAMETERS, name);

/**
 * What was expected instead of a value, by the declaration of a hyperparameter, or by the default of a parameter that
 * only a notebook knows; `null` when it is valid.
 */
function expectedInstead(name: string, value: number | boolean, fallback: number | boolean): string | null {
	if (isHyperparameter(name)) return expectedValue(name, value);
	if (typeof fallback === "boolean") return typeof value === "boolean" ? null : "true or false";
	return expectedNumber(Number(value), { integer: Number.isInteger(fallback), above: 0 });
}

function unknown(flag: string, known: Parameters): string {
	const flags = [...known.keys()].map(toFlag);
	const close = nearest(flag.replace(/^-p /, "--"), flags);
	return `unknown parameter ${flag}${close ? `: did you mean ${close}?` : `; there are ${flags.join(", ")}`}`;
}

function findNotebook(text: string, names: string[]): string {
	const name = text.replace(/^.*\//, "").replace(/\.ipynb$/, "");
	const found = names.filter((candidate) => candidate === name || candidate.startsWith(name));
	if (found.length === 1) return found[0];
	throw new Error(`no notebook ${text}: there are ${names.join(", ")}`);
}
