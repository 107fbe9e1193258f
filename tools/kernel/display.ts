// How the value that ends a cell is shown.
import { inspect } from "node:util";
import { isFrame, tableBundle } from "../../src/display/table";
import type { Bundle } from "../../src/support/kernel";

/** A value with its own form, as in Deno. */
interface Displayable {
	[key: symbol]: () => Bundle | Promise<Bundle>;
}

const DISPLAY = Symbol.for("Jupyter.display");

function isDisplayable(value: object): value is Displayable {
	return typeof (value as Partial<Displayable>)[DISPLAY] === "function";
}

/** The value's own form, a table for a DataFrame, or text. */
export async function toBundle(value: NonNullable<unknown>): Promise<Bundle> {
	if (isDisplayable(value)) return value[DISPLAY]();
	if (isFrame(value)) return tableBundle(value);
	return { "text/plain": typeof value === "string" ? value : inspect(value) };
}
