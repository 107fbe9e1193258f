// The notebooks: their names, their titles and the parameters they declare. Plain Node, since the help of commands,
// which comes before set-up, lists them.
import { readdirSync, readFileSync } from "node:fs";
import { at } from "../setup/paths.mjs";

/** @typedef {{ value: string | number | boolean, comment: string | undefined }} Declared */
/** @typedef {{ source: string | string[], metadata: { tags?: string[] } }} Cell */

/** The notebooks' names, in order. */
export const notebookNames = () =>
	readdirSync(at("notebooks"))
		.filter((name) => /^\d\d-.*\.ipynb$/.test(name))
		.sort()
		.map((name) => name.replace(/\.ipynb$/, ""));

/**
 * The parameters that a notebook declares, by name: each `let name = value; // comment` of its cell tagged `parameters`.
 *
 * @param {string} name
 * @returns {Map<string, Declared>}
 */
export function declaredBy(name) {
	const cell = cellsOf(name).find(({ metadata }) => metadata.tags?.includes("parameters"));
	const lines = sourceOf(cell).matchAll(/^let (\w+) = (.+?);(?:\s*\/\/\s*(.*))?$/gm);
	return new Map([...lines].map(([, name, value, comment]) => [name, { value: JSON.parse(value), comment }]));
}

/**
 * The heading that a notebook starts with.
 *
 * @param {string} name
 */
export const title = (name) => sourceOf(cellsOf(name)[0]).split("\n")[0].replace(/^#\s*/, "");

/**
 * @param {string} name
 * @returns {Cell[]}
 */
const cellsOf = (name) => JSON.parse(readFileSync(at("notebooks", `${name}.ipynb`), "utf8")).cells;

/** @param {Cell | undefined} cell */
const sourceOf = (cell) => [cell?.source ?? ""].flat().join("");
