// Objects as HTML: what they hold is folded.
import { inspect, types } from "node:util";
import { type Html, html } from "../../../src/support/text";
import { kindOf } from "./kinds";

/** Levels below the value that are shown. */
const DEPTH = 6;
/** Items of one object that are shown. */
const ITEMS = 100;
/** Lines of the whole tree. */
const LINES = 500;
/** Characters of a line. */
const LENGTH = 120;

const STYLE = html`style="font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap;margin-left:1.5em"`;

/** What an object holds: how many items, and the first of them with what stands before each. */
interface Items {
	count: number;
	first: [label: string, item: unknown][];
}

/** Returns an object as HTML. Undefined if it holds nothing that could be folded. */
export function treeOf(value: object): string | undefined {
	if (itemsOf(value).count === 0) return undefined;
	let lines = 0;
	const node = (label: string, item: unknown, above: object[]): Html => {
		lines++;
		const isCircular = above.includes(item as object);
		const text = `${label}${isCircular ? "[Circular]" : previewOf(item)}`;
		const { count, first } = isCircular || above.length >= DEPTH ? NOTHING : itemsOf(item);
		if (count === 0) return html`<div>${text}</div>`;
		const shown = first.flatMap(([key, child]) =>
			lines < LINES ? [node(key, child, [...above, item as object])] : [],
		);
		const rest = shown.length < count ? html`<div>… ${count - shown.length} more</div>` : null;
		const open = above.length === 0 ? html`open` : null;
		return html`<details ${open}><summary>${text}</summary><div ${STYLE}>${shown}${rest}</div></details>`;
	};
	return String(html`<div ${STYLE}>${node("", value, [])}</div>`);
}

/** Returns a function as HTML: its JavaScript is folded. */
export function sourceOf(value: object): string {
	const source = Function.prototype.toString.call(value);
	if (source.endsWith("{ [native code] }")) return String(html`<div ${STYLE}>${previewOf(value)}</div>`);
	return String(html`<details ${STYLE}><summary>${previewOf(value)}</summary><div ${STYLE}>${source}</div></details>`);
}

/** A value in a line. */
function previewOf(value: unknown): string {
	const text = inspect(value, {
		depth: 0,
		breakLength: Number.POSITIVE_INFINITY,
		maxArrayLength: 10,
		maxStringLength: LENGTH,
	});
	const [line] = text.split("\n");
	return line.length < text.length || line.length > LENGTH ? `${line.slice(0, LENGTH)}…` : line;
}

const NOTHING: Items = { count: 0, first: [] };

/** Getters are not called. */
function itemsOf(value: unknown): Items {
	if (typeof value !== "object" || value === null || isWhole(value) || kindOf(value)) return NOTHING;
	if (value instanceof Map) {
		const first = firstOf(value).map(([key, item]): [string, unknown] => [`${previewOf(key)} => `, item]);
		return { count: value.size, first };
	}
	if (value instanceof Set) return { count: value.size, first: firstOf(value).map((item) => ["", item]) };
	// Without a list of all: an array may have millions of items.
	const keys = Array.isArray(value) ? firstOf(value.keys()).map(String) : Object.keys(value);
	const first = keys.slice(0, ITEMS).map((key): [string, unknown] => [`${key}: `, propertyOf(value, key)]);
	return { count: Array.isArray(value) ? value.length : keys.length, first };
}

function firstOf<T>(items: Iterable<T>): T[] {
	const first: T[] = [];
	for (const item of items) {
		if (first.length === ITEMS) break;
		first.push(item);
	}
	return first;
}

/** A property, or what stands for one that is computed when it is read. */
function propertyOf(value: object, key: string): unknown {
	const { get, set, value: item } = Object.getOwnPropertyDescriptor(value, key) ?? {};
	return get || set ? { [inspect.custom]: () => (get ? "[Getter]" : "[Setter]") } : item;
}

/** Whether a line says all there is about a value. */
const isWhole = (value: object) =>
	types.isDate(value) ||
	types.isRegExp(value) ||
	types.isPromise(value) ||
	types.isNativeError(value) ||
	types.isProxy(value) ||
	types.isAnyArrayBuffer(value) ||
	ArrayBuffer.isView(value);
