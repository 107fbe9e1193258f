// What a page shows, to be compared: texts, tables and figures, formatted by the code that the notebooks use.
import { plotlyFigure } from "../../../src/display/plotly";
import type { Figure } from "../../../src/display/svg";
import { shownTable } from "../../../src/display/table";
import { thinned } from "../../../src/display/thinned";
import { printable } from "../../../src/support/text";

/** A part of a page, as it should be shown. */
export type Part =
	| { kind: "text"; text: string }
	| { kind: "table"; columns: string[]; rows: string[][] }
	| { kind: "figure"; title: string; data: Trace[] };

/** The numbers and names of a trace of plotly. */
export type Trace = Record<(typeof KEYS)[number], unknown>;
const KEYS = ["name", "x", "y", "z"] as const;

/** A text; each number in it is a figure to compare. */
export const text = (shown: string): Part => ({ kind: "text", text: shown });

export function table(rows: object[]): Part {
	const { columns, shown } = shownTable(rows);
	const cell = (value: string) => value.replace(/[^\n\t]+/g, printable);
	return { kind: "table", columns, rows: shown.map((row) => row.map(cell)) };
}

export function figure(whole: Figure): Part {
	const { data, layout } = plotlyFigure(thinned(whole));
	return { kind: "figure", title: (layout.title as { text: string }).text, data: tracesOf(data) };
}

/** What is compared of traces, as JSON has it. */
export const tracesOf = (data: object[]): Trace[] =>
	JSON.parse(JSON.stringify(data.map((trace) => KEYS.map((key) => [key, (trace as Partial<Trace>)[key] ?? null])))).map(
		Object.fromEntries,
	);
