// Reads command lines: numbers, and the parameters that the notebooks' `parameters` cells declare.
import { declaredBy, notebookNames } from "../jupyter/notebooks.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { nearest, toFlag } from "../setup/text.mjs";

export type Value = number | string | boolean;
export type Values = Record<string, Value>;
/** Parameters by name, each with its default and what it means. */
export type Parameters = ReturnType<typeof declaredBy>;

/** What a number must be. */
export interface Bounds {
	/** Whether it must be whole. Default false. */
	integer?: boolean;
	/** The least value. Default: none. */
	min?: number;
	/** A value that it must be greater than. Default: none. */
	above?: number;
}

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
	/** The paths of two runs to compare instead of running notebooks. */
	compare: string[] | null;
}

/** Parameters that are folders: relative to where the command was typed, not to the notebook. */
const FOLDERS = new Set(["dataset", "artifacts"]);
/** Hyperparameters that may be 0; all others must be above it. */
const MAY_BE_ZERO = new Set(["seed", "patience", "dropout"]);

/**
 * Reads `--batch-size 16`, `-p batchSize=16`, `--pdf`, `--no-input`, `--reports DIR`, `--compare RUN RUN` and the names
 * of notebooks.
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
		throw new Error("--compare runs no notebooks: with its two runs it takes only --reports");
	}
	const all: Values = Object.fromEntries([...known].map(([name, { value }]) => [name, value]));
	for (const name of FOLDERS) all[name] = at(name);
	const { dataset, artifacts, ...values } = Object.assign(all, given.parameters);
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

type Given = Pick<NotebookArguments, "notebooks" | "parameters" | "pdf" | "noInput" | "compare" | "reports">;

/** Reads the arguments from left to right; paths stay as they were typed. */
function readArguments(args: string[], names: string[], known: Parameters): Given {
	const given: Given = { notebooks: [], parameters: {}, pdf: false, noInput: false, compare: null, reports: "reports" };
	const queue = args.flatMap((arg) =>
		/^--[\w-]+=/.test(arg) ? [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)] : [arg],
	);
	const next = (flag: string) => {
		const value = queue.shift();
		if (value === undefined) throw new Error(`${flag} needs a value`);
		return value;
	};
	for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
		if (arg === "--pdf") given.pdf = true;
		else if (arg === "--no-input") given.noInput = true;
		else if (arg === "--reports") given.reports = next(arg);
		else if (arg === "--compare") {
			given.compare = queue.splice(0, 2);
			if (given.compare.length === 2 && !given.compare.some((run) => run.startsWith("-"))) continue;
			throw new Error("--compare needs two runs: --compare reports/a reports/b");
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
	// A backbone can also be an address.
	const isFolder = FOLDERS.has(name) || (name === "backbone" && !/^https?:/.test(text));
	parameters[name] = isFolder ? fromHere(text) : convert(flag, name, text, parameter.value);
}

/** Converts the text to a value of the default's type. */
function convert(flag: string, name: string, text: string, fallback: Value): Value {
	if (typeof fallback === "string") return text;
	if (typeof fallback === "number") return readNumber(flag, text, boundsOf(name, fallback), fallback);
	if (text === "true" || text === "false") return text === "true";
	throw new Error(`${flag} ${text}: expected true or false`);
}

/** What the value of a numeric parameter must be; for one that only a notebook knows it follows from the default. */
function boundsOf(name: string, fallback: number): Bounds {
	const integer = Number.isInteger(fallback);
	return MAY_BE_ZERO.has(name) ? { integer, min: 0 } : { integer, above: 0 };
}

/**
 * Reads a number that was given with a flag.
 *
 * @param example a value for the error message. Default: none
 * @throws with the flag, the text and what was expected
 */
export function readNumber(flag: string, text: string, bounds: Bounds, example?: number): number {
	const { integer = false, min = Number.NEGATIVE_INFINITY, above = Number.NEGATIVE_INFINITY } = bounds;
	const value = text.trim() === "" ? Number.NaN : Number(text);
	const isValid = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
	if (isValid && value >= min && value > above) return value;
	const limit = bounds.min !== undefined ? ` of ${min} or more` : bounds.above !== undefined ? ` above ${above}` : "";
	const expected = `expected ${integer ? "an integer" : "a number"}${limit}`;
	throw new Error(`${flag} ${text}: ${expected}${example === undefined ? "" : `, for example ${example}`}`);
}

/** Reads an integer above 0 that was given with a flag. */
export const wholeNumber = (flag: string, text: string): number => readNumber(flag, text, { integer: true, above: 0 });

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
