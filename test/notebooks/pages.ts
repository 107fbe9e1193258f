// Reads what the pages of a run show: tables, figures, printed text.
import type { RunRecord } from "../../tools/report/run-record";

type Interval = { low: number; high: number };
/** The record of a run in which all notebooks ran. */
export type EvaluatedRun = RunRecord & {
	test: { loss: number; accuracy: number; accuracyInterval: Interval; lossInterval: Interval };
};
/** Notes that two figures are compared: as shown, for example `"97.5 %"`, and exactly. */
export type Compare = (what: string, shown: string | number | undefined, exact: number | undefined | null) => void;
/** Notes that two lists or records are compared. */
export type Same = (what: string, a: unknown, b: unknown) => void;
export type Page = ReturnType<typeof readPage>;

/** A table as it is shown: the text of its cells. */
export interface ShownTable {
	columns: string[];
	rows: string[][];
}
/** A figure as plotly draws it. */
export interface ShownFigure {
	data: { name?: string; x: (string | number)[]; y: (string | number)[]; z: number[][] }[];
	layout: { title: { text: string } };
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', amp: "&" };
const decoded = (text: string) =>
	text.replace(/&(?:#(\d+)|(lt|gt|quot|amp));/g, (_, code, name) => ENTITIES[name] ?? String.fromCodePoint(code));
const toText = (html: string) => decoded(html.replace(/<[^>]*>/g, ""));
const all = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].map(([, content]) => content);

/** Returns the outputs of a page; code and prose are left out. */
export function readPage(html: string) {
	const outputs = all(html, /jp-OutputArea-output" data-mime-type="[^"]*" tabindex="0">([\s\S]*?)\n<\/div>/g);
	const tables = all(outputs.join("\n"), /<table[^>]*>([\s\S]*?)<\/table>/g).map((table): ShownTable => {
		const [head, ...body] = all(table, /<tr>([\s\S]*?)<\/tr>/g);
		const cells = (row: string) => all(row, /<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g).map(toText);
		return { columns: cells(head), rows: body.map(cells) };
	});
	// Plotly decodes entities in all texts.
	const shown = (_: string, value: unknown) => (typeof value === "string" ? decoded(value) : value);
	const figures = all(html, /showFigure\("figure-\d+", (.*)\);<\/script>/g).map(
		(json): ShownFigure => JSON.parse(json, shown),
	);
	return { tables, figures, text: outputs.map(toText).join("\n") };
}

/** Returns the table with these columns, as rows by column. */
export function rowsOf(tables: ShownTable[], ...columns: string[]): Record<string, string>[] {
	const table = tables.find((candidate) => columns.every((column) => candidate.columns.includes(column)));
	return table?.rows.map((row) => Object.fromEntries(row.map((cell, i) => [table.columns[i], cell]))) ?? [];
}

/** Returns the groups of a pattern in a page's text; none when it is missing, which is a disagreement. */
export const found = (page: Page, pattern: RegExp): (string | undefined)[] => pattern.exec(page.text)?.slice(1) ?? [];
