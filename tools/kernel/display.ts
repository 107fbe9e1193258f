// How the value that ends a cell is shown.
import { inspect } from "node:util";
import { isFrame, tableBundle } from "../../src/display/table";
import { counted } from "../../src/support/format";
import type { Bundle } from "../../src/support/kernel";
import { textBundle } from "./values/kind";
import { kindOf } from "./values/kinds";
import { sourceOf, treeOf } from "./values/tree";

/** A value with its own form, as in Deno. */
interface Displayable {
	[key: symbol]: () => Bundle | Promise<Bundle>;
}

const DISPLAY = Symbol.for("Jupyter.display");
/** Characters of a text that are shown, and lines of an object's: the front end keeps them all in the notebook. */
const LONGEST = 20_000;
const LINES = 200;

/** The value's own form; a table for a DataFrame; what is known of the kind of value; or text, with a folded tree. */
export function toBundle(value: NonNullable<unknown>): Bundle | Promise<Bundle> {
	if (typeof value === "string") return { "text/plain": cut(value) };
	if (typeof value === "function") return { "text/html": sourceOf(value), "text/plain": textOf(value) };
	if (typeof value !== "object") return { "text/plain": textOf(value) };
	if (isDisplayable(value)) return value[DISPLAY]();
	return knownBundle(value) ?? { ...textBundle(textOf(value)), ...foldedBundle(value) };
}

/** Whether the value has its own form. A proxy may throw whatever it is asked, as may a getter. */
function isDisplayable(value: object): value is Displayable {
	try {
		return typeof (value as Partial<Displayable>)[DISPLAY] === "function";
	} catch {
		return false;
	}
}

/** The form of a kind of value, if it is one after all: it is known only by what it seems to be able to do. */
function knownBundle(value: object): Bundle | undefined {
	try {
		if (isFrame(value)) return tableBundle(value);
		const kind = kindOf(value);
		return kind && (kind.bundle?.(value) ?? textBundle(kind.line(value)));
	} catch {
		return undefined;
	}
}

function foldedBundle(value: object): Bundle {
	const tree = treeOf(value);
	return tree === undefined ? {} : { "text/html": tree };
}

function textOf(value: unknown): string {
	const lines = inspect(value).split("\n");
	const rest = lines.length > LINES ? [`… ${counted(lines.length - LINES, "more line")}`] : [];
	return cut([...lines.slice(0, LINES), ...rest].join("\n"));
}

function cut(text: string): string {
	if (text.length <= LONGEST) return text;
	return `${text.slice(0, LONGEST)}\n… ${counted(text.length - LONGEST, "more character")}`;
}
