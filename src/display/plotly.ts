// Figures as plotly's JSON: names are shown as they are written, and no button sends data.
import { printable } from "../support/text";
import type { Figure } from "./svg";

/** Plotly's configuration of every figure. Its own default has a button that uploads the data. */
const CONFIG = {
	responsive: true,
	displaylogo: false,
	showSendToCloud: false,
	showEditInChartStudio: false,
	plotlyServerURL: "",
	// A name with two dollar signs is not a formula.
	typesetMath: false,
};

/** Keys of templates, in which plotly puts values, and of addresses. */
const NOT_TEXT = /template$|^(source|geojson|style)$/;

/**
 * Returns a figure as plotly.js takes it.
 *
 * @param options `markup`: whether its texts may hold plotly's tags, such as `<b>` and `<br>`; default false: all texts but
 *   templates are shown as they are written
 */
export function plotlyFigure({ data, layout = {} }: Figure, { markup = false } = {}) {
	const toText = <T>(value: T): T => (markup ? value : (escaped(value) as T));
	return { data: toText(data), layout: toText(layout), config: CONFIG };
}

/** Escapes all texts in a part of a figure for plotly, which knows some tags and references of HTML. */
function escaped(value: unknown, key = ""): unknown {
	if (typeof value === "string") {
		if (NOT_TEXT.test(key)) return value;
		// Plotly looks categories up in an object, which has a `constructor` of its own.
		if (value in {}) return `&#${value.charCodeAt(0)};${value.slice(1)}`;
		return printable(value).replace(/&/g, "&amp;").replace(/</g, "&lt;");
	}
	if (Array.isArray(value)) return value.map((item) => escaped(item, key));
	if (Object.prototype.toString.call(value) !== "[object Object]") return value;
	return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, escaped(item, name)]));
}
