// What the notebooks are called and declare. JavaScript, because `--help` needs it before anything is installed.
import { readdirSync, readFileSync } from "node:fs";
import { at } from "../setup/paths.mjs";

/** @typedef {number | string | boolean} Value */
/** @typedef {{ name: string, type?: string, value: string, comment?: string }} Declaration as written in the cell */
/** @typedef {{ value: Value, comment: string }} Parameter a default value and what the parameter means */
/** @typedef {{ cell_type: string, source: string | string[], metadata: { tags?: string[] } }} Cell */

/**
 * A line `let name: type = value; // comment`, where type and comment may be missing. A value ends at the first
 * semicolon that is not inside a string.
 *
 * The same grammar as in papermill/typescript_parameters.py; test/notebooks/parameter-cells.test.ts compares the two.
 * Only a line feed ends a line and `\w` knows all alphabets, as in Python.
 */
const DECLARATION =
	/(?<![^\n])let (?<name>[\p{L}\p{N}_$]+)(?:: *(?<type>[^=\n]+?))? *= *(?<value>(?:(?<quote>["'`])(?:\\[^\n]|(?!\k<quote>)[^\n])*\k<quote>|[^"'`;])+);(?:[^\S\n]*\/\/ *(?<comment>[^\n]*))?(?![^\n])/gu;

/** The names of the notebooks without extension, in order. */
export const notebookNames = () =>
	readdirSync(at("notebooks"))
		.filter((name) => /^\d\d-.*\.ipynb$/.test(name))
		.sort()
		.map((name) => name.replace(/\.ipynb$/, ""));

/**
 * Parses the code of a `parameters` cell.
 *
 * @param {string} source
 * @returns {Declaration[]}
 */
export function declarations(source) {
	return [...source.matchAll(DECLARATION)].map(({ groups }) => {
		const { name, type, value, comment } = /** @type {Record<string, string>} */ (groups);
		return { name, type, value, comment };
	});
}

/**
 * Reads the parameters that a notebook declares.
 *
 * @param {string} notebook its name
 * @returns {Map<string, Parameter>}
 * @throws when a default is not a JSON literal, which the command line needs
 */
export function declaredBy(notebook) {
	const cell = cellsOf(notebook).find(({ metadata }) => metadata.tags?.includes("parameters"));
	return new Map(
		declarations(cell ? textOf(cell) : "").map(({ name, value, comment = "" }) => [
			name,
			{ value: parsed(value, `notebooks/${notebook}.ipynb declares ${name} = ${value}`), comment },
		]),
	);
}

/**
 * The heading that a notebook starts with.
 *
 * @param {string} notebook its name
 */
export const title = (notebook) => textOf(cellsOf(notebook)[0]).split("\n")[0].replace(/^#\s*/, "");

/**
 * @param {string} notebook
 * @returns {Cell[]}
 */
const cellsOf = (notebook) => JSON.parse(readFileSync(at("notebooks", `${notebook}.ipynb`), "utf8")).cells;

/** @param {Cell} cell */
const textOf = ({ source }) => [source].flat().join("");

/**
 * @param {string} value
 * @param {string} declared
 * @returns {Value}
 */
function parsed(value, declared) {
	try {
		return JSON.parse(value);
	} catch {
		throw new Error(`${declared}: expected a JSON literal, for example 5, "text" or true`);
	}
}
