// Shows figures, tables, claims and Markdown in a notebook.
import { type Bundle, kernel } from "../support/kernel";
import { escapeMarkdown, printable } from "../support/text";
import { type Claim, claimRow } from "./claims";
import { plotlyFigure } from "./plotly";
import { type Figure, svgOf } from "./svg";
import { type Table, tableBundle } from "./table";
import { thinned } from "./thinned";

/** Place of an output in the notebook. Default: a new output below the running cell. */
export interface DisplayPlace {
	/** Display id, by which a later call can update the output. Default: none. */
	id?: string;
	/** Whether to replace the output with this `id`. Default false: adds an output. */
	update?: boolean;
	/** Metadata that the notebook keeps with the output. Default: none. */
	metadata?: object;
}

/** Shows a MIME bundle. Outside a notebook its `text/plain` is printed. */
export function show(data: Bundle, { id, update = false, metadata = {} }: DisplayPlace = {}): void {
	const message = { data, metadata, transient: id ? { display_id: id } : {} };
	const notebook = kernel();
	if (notebook) notebook.current().publish(update ? "update_display_data" : "display_data", message);
	else if (data["text/plain"]) console.log(data["text/plain"]);
}

/**
 * Shows a plotly figure, interactive in JupyterLab and in reports. Lines, bars and heat maps have an SVG as a fallback,
 * for viewers without plotly.
 *
 * @param figure `{ data, layout }` as in the plotly.js reference
 * @param options `markup`: whether texts may hold plotly's tags, such as `<b>` and `<br>`; default false: texts are shown as
 *   they are written
 */
export function showFigure(figure: Figure, options: { markup?: boolean } & DisplayPlace = {}): void {
	// JupyterLab's plotly ignores updates of its own output, so that output is replaced by another type first.
	if (options.update) show({ "text/plain": " " }, options);
	show(figureBundle(figure, options), options);
}

/** Returns a figure as a MIME bundle: plotly JSON, SVG where it can be drawn, and its title as text. */
export function figureBundle(figure: Figure, options: { markup?: boolean } = {}): Bundle {
	const { data, layout = {} } = thinned(figure);
	const title = (layout.title as { text?: string })?.text ?? "without a title";
	const svg = svgOf({ data, layout });
	return {
		"application/vnd.plotly.v1+json": plotlyFigure({ data, layout: { ...FIGURE_LAYOUT, ...layout } }, options),
		// Viewers may show the SVG as an image, which inherits no colours.
		...(svg && { "image/svg+xml": svg.replace("<svg ", '<svg style="background:#fff;color:#444" ') }),
		"text/plain": `Figure: ${printable(title)}`,
	};
}

// Without a standoff, the title of an axis lies on class names that are long.
const AXIS = { automargin: true, title: { standoff: 12 } };
const FIGURE_LAYOUT = {
	height: 400,
	margin: { t: 60, r: 30, b: 60, l: 60 },
	// Whole names.
	hoverlabel: { namelength: -1 },
	// Without automatic margins, long class names overlap the title of the axis.
	template: { layout: { xaxis: AXIS, yaxis: AXIS } },
};

/**
 * Shows a table.
 *
 * @param table danfojs DataFrame or Series, or rows as objects with the same keys
 * @param options `maxRows`: maximum number of rows; the rest is only counted, default 30
 */
export function showTable(table: Table, options: { maxRows?: number } & DisplayPlace = {}): void {
	show(tableBundle(table, options), options);
}

/**
 * Shows claims as a table: what was claimed, expected and measured, and whether it held. The notebook keeps the claims as
 * data in the metadata of the output, under `claims`.
 */
export function showClaims(claims: Claim[]): void {
	show(tableBundle(claims.map(claimRow)), { metadata: { claims } });
}

/**
 * Shows Markdown, such as sentences with numbers of the run. As a template tag, ``showMarkdown`*${name}*` ``, it shows the
 * values as they are written, whatever they mean to Markdown or HTML. Between backticks nothing can be escaped: write
 * `<code>` instead.
 */
export function showMarkdown(text: string | TemplateStringsArray, ...values: unknown[]): void {
	const filled = (fill: (value: string) => string) =>
		typeof text === "string" ? text : String.raw({ raw: text }, ...values.map((value) => fill(String(value))));
	show({ "text/markdown": filled(escapeMarkdown), "text/plain": filled(printable) });
}
