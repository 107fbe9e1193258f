// Shows figures, tables and Markdown in a notebook.
import { type Bundle, kernel } from "../support/kernel";
import { type Figure, svgOf } from "./svg";
import { type Table, tableBundle } from "./table";

/** Where something is shown. Default: below the running cell, after what is there. */
export interface DisplayPlace {
	/** A name for this place of the notebook. */
	id?: string;
	/** Whether it takes the place of what was shown with this `id`. Default false. */
	update?: boolean;
}

/** Shows a bundle. Outside a notebook its `text/plain` is printed. */
export function show(data: Bundle, { id, update = false }: DisplayPlace = {}): void {
	const message = { data, metadata: {}, transient: id ? { display_id: id } : {} };
	const notebook = kernel();
	if (notebook) notebook.current().publish(update ? "update_display_data" : "display_data", message);
	else if (data["text/plain"]) console.log(data["text/plain"]);
}

/**
 * Shows a plotly figure, interactive in JupyterLab and in reports. Lines, bars and heat maps are also drawn as SVG, for
 * places without plotly.
 *
 * @param figure `{ data, layout }`, see the plotly.js reference
 */
export function showFigure(figure: Figure, options: DisplayPlace = {}): void {
	// JupyterLab's plotly does not redraw what it has drawn; it starts anew where something else stood.
	if (options.update) show({ "text/plain": " " }, options);
	show(figureBundle(figure), options);
}

export function figureBundle({ data, layout = {} }: Figure): Bundle {
	const figure = { data, layout: { ...FIGURE_LAYOUT, ...layout }, config: { responsive: true, displaylogo: false } };
	const title = (layout.title as { text?: string })?.text ?? "without a title";
	const svg = svgOf({ data, layout });
	return {
		"application/vnd.plotly.v1+json": figure,
		// Dark text on white: it may be shown as an image, which inherits no colours.
		...(svg && { "image/svg+xml": svg.replace("<svg ", '<svg style="background:#fff;color:#444" ') }),
		"text/plain": `Figure: ${title}`,
	};
}

const FIGURE_LAYOUT = {
	height: 400,
	margin: { t: 60, r: 30, b: 60, l: 60 },
	// A long class name pushes the axis's title aside, which would stand on it otherwise.
	template: { layout: { xaxis: { automargin: true }, yaxis: { automargin: true } } },
};

/**
 * Shows rows as a table.
 *
 * @param table a danfojs DataFrame or Series, or objects with the same keys
 * @param options `maxRows`: how many rows are shown before the rest is only counted. Default 30
 */
export function showTable(table: Table, options: { maxRows?: number } & DisplayPlace = {}): void {
	show(tableBundle(table, options), options);
}

/** Shows text with Markdown's marks: sentences around numbers of the run. */
export function showMarkdown(text: string): void {
	show({ "text/markdown": text, "text/plain": text });
}
