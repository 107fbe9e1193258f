// Tables as HTML and text.
import type { Bundle } from "../support/kernel";
import { html, printable } from "../support/text";

/** The part of a danfojs DataFrame or Series that is shown. */
export interface Frame {
	columns: string[];
	values: unknown[];
	index: (string | number)[];
}

/** A table: a danfojs DataFrame or Series, or rows as objects with the same keys. */
export type Table = Frame | object[];

/**
 * Formats a table as `text/html` and `text/plain`.
 *
 * Numeric columns are aligned right. Columns with fractions have four decimal places, or as many as two significant
 * digits of the smallest number need. The index of a frame is shown unless it is 0, 1, 2….
 *
 * @param options `maxRows`: maximum number of rows; the rest is only counted, default 30
 */
export function tableBundle(table: Table, { maxRows = 30 } = {}): Bundle {
	const { columns, rows, shown } = shownTable(table, maxRows);
	const rest = rows.length > maxRows ? `… ${rows.length - maxRows} more rows (${rows.length} in all)` : "";
	const numeric = columns.map((_, i) => rows.every((row) => typeof row[i] === "number" || row[i] === null));
	const cell = (tag: string, text: string, i: number) =>
		html`<${tag} style="text-align:${numeric[i] ? "right" : "left"};white-space:pre-wrap">${text}</${tag}>`;
	const line = (tag: string, cells: string[]) => html`<tr>${cells.map((text, i) => cell(tag, text, i))}</tr>`;
	const head = html`<thead>${line("th", columns)}</thead>`;
	const body = html`<tbody>${shown.map((row) => line("td", row))}</tbody>`;
	// JupyterLab would show a name with two dollar signs as a formula.
	const whole = html`<table class="mathjax_ignore">${head}${body}</table>${rest && html`<p>${rest}</p>`}`;
	const text = [columns, ...shown].map((row) => row.map(printable).join("\t")).join("\n");
	return { "text/html": String(whole), "text/plain": rest ? `${text}\n${rest}` : text };
}

/** Returns the columns of a table, its rows, and the first of them as the texts that are shown. */
export function shownTable(table: Table, maxRows = 30) {
	const { columns, rows } = toRows(table);
	const digits = columns.map((_, i) => digitsOf(rows.map((row) => row[i])));
	const shown = rows.slice(0, maxRows).map((row) => row.map((value, i) => formatCell(value, digits[i])));
	return { columns, rows, shown };
}

/** Whether a value is a danfojs DataFrame or Series. */
export function isFrame(value: unknown): value is Frame {
	const frame = value as Partial<Frame> | null;
	return (
		["DataFrame", "Series"].includes(frame?.constructor?.name ?? "") &&
		[frame?.columns, frame?.values, frame?.index].every(Array.isArray)
	);
}

function toRows(table: Table): { columns: string[]; rows: unknown[][] } {
	if (Array.isArray(table)) {
		const columns = [...new Set(table.flatMap((row) => Object.keys(row)))];
		return { columns, rows: table.map((row) => columns.map((column) => (row as Record<string, unknown>)[column])) };
	}
	const { columns, index } = table;
	// The values of a Series are not rows.
	const rows = table.values.map((row) => (Array.isArray(row) ? row : [row]));
	const isDefaultIndex = index.every((label, i) => label === i);
	return isDefaultIndex
		? { columns, rows }
		: { columns: ["", ...columns], rows: rows.map((row, i) => [index[i], ...row]) };
}

/** Returns the number of decimal places of a column. */
function digitsOf(column: unknown[]): number {
	const fractions = column.filter((value) => typeof value === "number" && !Number.isInteger(value)) as number[];
	if (fractions.length === 0) return 0;
	const least = Math.min(...fractions.map(Math.abs).filter(Number.isFinite));
	return Math.min(10, Math.max(4, Math.ceil(-Math.log10(least)) + 1));
}

function formatCell(value: unknown, digits: number): string {
	if (typeof value === "number") return value.toFixed(digits);
	return value === null || value === undefined ? "" : String(value);
}
