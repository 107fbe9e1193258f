// A kind of value that is known by what it can do: the kernel loads no library to show its values.
import { tableBundle } from "../../../src/display/table";
import type { Bundle } from "../../../src/support/kernel";
import { html } from "../../../src/support/text";

export interface Kind<Value extends object = object> {
	is(value: object): value is Value;
	/** The value in a line, as it stands among others: `Tensor float32 [2, 3]`. */
	line(value: Value): string;
	/** The value as a cell shows it that ends with it. Default: its line */
	bundle?(value: Value): Bundle;
}

/** Whether a value has methods. */
export const hasMethods = (value: object, ...names: string[]): boolean =>
	names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");

/** Returns text that keeps its line breaks and columns. */
export const textBundle = (text: string): Bundle => ({
	"text/html": String(html`<pre>${text}</pre>`),
	"text/plain": text,
});

/** Returns lines, and rows as a table below them. */
export function tableBelow(lines: string[], rows: object[]): Bundle {
	const table = rows.length > 0 ? tableBundle(rows) : { "text/html": "", "text/plain": "" };
	return {
		"text/html": `${html`<div>${lines.map((line) => html`${line}<br>`)}</div>`}${table["text/html"]}`,
		"text/plain": [...lines, table["text/plain"]].join("\n").trimEnd(),
	};
}
