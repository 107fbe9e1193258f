// The command line of the commands that run notebooks: what the notebooks' `parameters` cells declare.
import { readFileSync } from "node:fs";
import { at, fromHere, isNear, notebooks } from "../common.mjs";

/** Numbers that mean something at zero; all others must be above it. */
const MAY_BE_ZERO = new Set(["seed", "patience", "dropout"]);
/** Parameters that are folders: relative to where the command was typed, not to the notebook. */
const FOLDERS = new Set(["dataset", "artifacts"]);

/**
 * The parameters that a notebook declares, by name: `{ value, comment }` of each `let name = value; // comment`.
 */
function declaredBy(notebook) {
	const { cells } = JSON.parse(readFileSync(at("notebooks", `${notebook}.ipynb`), "utf8"));
	const cell = cells.find(({ metadata }) => metadata.tags?.includes("parameters"));
	const lines = [
		...[cell?.source ?? ""]
			.flat()
			.join("")
			.matchAll(/^let (\w+) = (.+?);(?:\s*\/\/\s*(.*))?$/gm),
	];
	return new Map(lines.map(([, name, value, comment]) => [name, { value: JSON.parse(value), comment }]));
}

/**
 * Reads `--batch-size 16`, `-p batchSize=16`, `--pdf`, `--no-input`, `--reports DIR`, `--compare RUN RUN` and the names
 * of notebooks.
 *
 * @returns `notebooks` to run, `declared` parameters by notebook, the `parameters` that were given, all `values` with
 *   their defaults, the folders `dataset`, `artifacts` and `reports`, `pdf`, `noInput`, `help`, and
 *   `compare`, the paths of two runs, or null
 * @throws with one line that says which argument is wrong and what was expected
 */
export function parseArguments(args) {
	const names = notebooks();
	const declared = Object.fromEntries(names.map((name) => [name, declaredBy(name)]));
	const known = new Map(names.flatMap((name) => [...declared[name]]));
	const options = {
		notebooks: [],
		parameters: {},
		pdf: false,
		noInput: false,
		help: false,
		compare: null,
		reports: "reports",
	};

	const queue = args.flatMap((arg) =>
		/^--[\w-]+=/.test(arg) ? [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)] : [arg],
	);
	const next = (flag) => {
		if (queue.length === 0) throw new Error(`${flag} needs a value`);
		return queue.shift();
	};
	while (queue.length > 0) {
		const arg = queue.shift();
		if (arg === "--help" || arg === "-h") options.help = true;
		else if (arg === "--pdf") options.pdf = true;
		else if (arg === "--no-input") options.noInput = true;
		else if (arg === "--reports") options.reports = next(arg);
		else if (arg === "--compare") {
			options.compare = queue.splice(0, 2).filter((run) => !run.startsWith("-"));
			if (options.compare.length < 2) throw new Error(`${arg} needs two runs: ${arg} reports/a reports/b`);
		} else if (arg === "-p") {
			const [name, ...value] = next(arg).split("=");
			if (value.length === 0) throw new Error(`-p ${name}: expected name=value, for example -p epochs=3`);
			setParameter(options.parameters, known, `-p ${name}`, name, value.join("="));
		} else if (arg.startsWith("--")) {
			const name = arg.slice(2).replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
			if (!known.has(name)) throw new Error(unknown(arg, known));
			setParameter(options.parameters, known, arg, name, next(arg));
		} else options.notebooks.push(findNotebook(arg, names));
	}
	const { notebooks: chosen, parameters, pdf, noInput } = options;
	if (options.compare && (chosen.length > 0 || Object.keys(parameters).length > 0 || pdf || noInput)) {
		throw new Error("--compare runs no notebooks: beside its two runs it takes only --reports");
	}
	if (options.notebooks.length === 0) options.notebooks = names;
	options.notebooks = names.filter((name) => options.notebooks.includes(name));

	const defaults = Object.fromEntries([...known].map(([name, { value }]) => [name, value]));
	for (const name of FOLDERS) defaults[name] = at(name);
	const { dataset, artifacts, ...values } = { ...defaults, ...options.parameters };
	const compare = options.compare?.map(fromHere) ?? null;
	return { ...options, declared, values, dataset, artifacts, compare, reports: fromHere(options.reports) };
}

/** The help text: every parameter with its default and meaning. */
export function usage() {
	const known = new Map(notebooks().flatMap((name) => [...declaredBy(name)]));
	const lines = [...known].map(
		([name, { value, comment = "" }]) =>
			`  ${`${toFlag(name)} ${FOLDERS.has(name) ? name : value}`.padEnd(30)} ${comment}`,
	);
	return `npm start -- [PARAMETERS]
npm run report -- [--pdf] [--no-input] [PARAMETERS] [NOTEBOOK…]
npm run report -- --compare RUN RUN     two reports folders (or their metrics.json) on one page, compare.html

Parameters and their defaults (or -p name=value):
${lines.join("\n")}
  ${"--reports reports".padEnd(30)} where reports are written`;
}

const toFlag = (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function setParameter(parameters, known, flag, name, text) {
	if (!known.has(name)) throw new Error(unknown(flag, known));
	// A backbone can also be an address.
	const isFolder = FOLDERS.has(name) || (name === "backbone" && !/^https?:/.test(text));
	parameters[name] = isFolder ? fromHere(text) : convert(flag, name, text, known.get(name).value);
}

/** The text as a value of the default's kind. */
function convert(flag, name, text, fallback) {
	if (typeof fallback === "string") return text;
	if (typeof fallback === "boolean") {
		if (text === "true" || text === "false") return text === "true";
		throw new Error(`${flag} ${text}: expected true or false`);
	}
	const value = text.trim() === "" ? Number.NaN : Number(text);
	const whole = Number.isInteger(fallback);
	const fits =
		Number.isFinite(value) &&
		(!whole || Number.isInteger(value)) &&
		(value > 0 || (value === 0 && MAY_BE_ZERO.has(name)));
	if (fits) return value;
	const expected = `a ${whole ? "whole " : ""}number${MAY_BE_ZERO.has(name) ? " of 0 or more" : " above 0"}`;
	throw new Error(`${flag} ${text}: expected ${expected}, for example ${fallback}`);
}

function unknown(flag, known) {
	const flags = [...known.keys()].map(toFlag);
	const close = flags.find((candidate) => isNear(candidate, flag.replace(/^-p /, "--"), 2));
	return `unknown parameter ${flag}${close ? `: did you mean ${close}?` : `; there are ${flags.join(", ")}`}`;
}

function findNotebook(text, names) {
	const name = text.replace(/^.*\//, "").replace(/\.ipynb$/, "");
	const found = names.filter((candidate) => candidate === name || candidate.startsWith(name));
	if (found.length === 1) return found[0];
	throw new Error(`no notebook ${text}: there are ${names.join(", ")}`);
}
