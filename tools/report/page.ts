// The frame of the pages that are not notebooks: the index of a run and the comparison of several.
import { readFileSync } from "node:fs";
import { Html, html } from "../../src/support/text";
import { at } from "../setup/paths.mjs";
import { compressedPlotly } from "../setup/plotly.mjs";

/** A cell of a table: text, or HTML that is put in as it is. */
export type Cell = string | number | boolean | null | undefined | Html;

const STYLE = `	:root { color-scheme: light dark; }
	body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
		color: light-dark(#222, #e0e0e0); background: light-dark(#fff, #111); }
	h1, h2, h3 { font-weight: 400; line-height: 1.2; margin: 2rem 0 0.5rem; }
	h1 { margin-top: 0; }
	h3 { font-size: 1rem; font-weight: 600; }
	a { color: light-dark(#0b57a4, #82b8f5); }
	.scroll { overflow-x: auto; }
	table { border-collapse: collapse; }
	th, td { text-align: left; vertical-align: baseline; padding: 0.25rem 1.5rem 0.25rem 0; white-space: pre-wrap; }
	td { overflow-wrap: anywhere; }
	tbody tr { border-top: 1px solid light-dark(#ddd, #444); }
	th { font-weight: 600; white-space: pre; }
	.roomy td { min-width: 5rem; }
	.whole { white-space: pre; }
	.number { text-align: right; white-space: pre; font-variant-numeric: tabular-nums; }
	mark { color: inherit; background: light-dark(#fff0b8, #5c4a00); padding: 0 0.25rem; }
	summary { cursor: pointer; margin: 0.5rem 0; }
	.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0 2rem; }
	figure { margin: 1rem 0; }
	.drawing { max-width: 100%; height: auto; }
	.scroll > div { min-width: 30rem; }
	.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
	.tiles div { padding: 0.75rem 1rem; background: light-dark(#f3f6f9, #1f2326); border-radius: 4px; }
	.tiles strong { display: block; font-size: 1.6rem; font-weight: 400; }
	@media (max-width: 30rem) {
		th, td { padding-right: 0.75rem; }
		th { white-space: pre-wrap; }
	}
	@page { size: A4; margin: 12mm; }
	@media print {
		:root { color-scheme: light; }
		body { margin: 0; padding: 0; max-width: none; }
		.scroll { overflow: visible; }
		h2, h3 { break-after: avoid; }
		tr, .figure, .side-by-side > * { break-inside: avoid; }
		.modebar-container { display: none !important; }
		/* As wide as the body on the screen, which paper is not. */
		.figure { zoom: 0.7; }
	}
`;

/** Plotly and `showFigure(id, figure)`, for the head of a page with figures. */
export const figureScripts = (): Html => {
	const [plotly, figures] = [compressedPlotly, at("tools", "report", "template", "figures.js")].map(
		(file) => new Html(readFileSync(file, "utf8")),
	);
	return html`<script type="text/plain" id="plotly">${plotly}</script>\n<script>${figures}</script>`;
};

/**
 * A page that needs nothing from elsewhere, for the screen and for paper.
 *
 * @param head added to the page's head. Default: nothing
 */
export const page = (title: string, body: Html[], head?: Html): string =>
	String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${new Html(STYLE)}</style>
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`);

/**
 * A table; an empty cell reads "not run".
 *
 * @param options `header`: default none; `numeric`: whether all columns but the first hold numbers, default false;
 * `roomy`: whether many columns scroll rather than break words, default false
 */
export function table(rows: Cell[][], { header = [] as Cell[], numeric = false, roomy = false } = {}): Html {
	const line = (cells: Cell[]) => {
		const row = cells.map((cell, i) => {
			const tag = cell !== "" && (i === 0 || cells === header) ? "th" : "td";
			const look = numeric && i > 0 ? html` class="number"` : null;
			return html`<${tag}${look}>${cell ?? "not run"}</${tag}>`;
		});
		return html`<tr>${row}</tr>\n`;
	};
	const head = header.length ? html`<thead>${line(header)}</thead>` : null;
	const look = roomy ? html` class="roomy"` : null;
	return html`<div class="scroll" tabindex="0"><table${look}>${head}<tbody>${rows.map(line)}</tbody></table></div>`;
}

/** The minute of an ISO date, for example `"2025-03-01 10:59 UTC"`. */
export const minute = (date: string): string => `${date.slice(0, 16).replace("T", " ")} UTC`;
