// Values as a list of variables shows them: a type and a short text.
import { inspect, types } from "node:util";
import { kindOf } from "../values/kinds";

/** A variable of the debug adapter protocol. */
export interface Variable {
	name: string;
	value: string;
	type?: string;
	/** By which its children are asked for; 0 if it has none. */
	variablesReference: number;
	/** Number of elements. */
	indexedVariables?: number;
	/** Number of properties. */
	namedVariables?: number;
	evaluateName?: string;
}

/** How much of a value a text shows: its characters, levels of objects in it, and elements. */
interface Extent {
	width: number;
	depth: number;
	elements: number;
}

const SHORT: Extent = { width: 120, depth: 0, elements: 5 };
const LONG: Extent = { width: 10_000, depth: 2, elements: 100 };
/** Properties up to which an object is shown with them: reading a million takes a second. */
const PROPERTIES = 50;

const TypedArray = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const lengthOfTyped = Object.getOwnPropertyDescriptor(TypedArray.prototype, "length")?.get as () => number;

/** Returns the number of elements of an array, a typed array, a map or a set; undefined for other values. */
export function elementCount(value: unknown): number | undefined {
	// Not what the value itself says, which can be anything.
	if (types.isProxy(value)) return undefined;
	if (Array.isArray(value)) return value.length;
	if (types.isTypedArray(value)) return lengthOfTyped.call(value);
	if (types.isMap(value)) return value.size;
	return types.isSet(value) ? value.size : undefined;
}

/** Returns a value's type; of what the kernel knows, such as a tensor, its line: `Tensor float32 [2, 3]`. */
export function typeOf(value: unknown): string {
	// JupyterLab shows the values of these four types, Python's, and of others only the type.
	if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : "float";
	if (typeof value === "boolean") return "bool";
	if (typeof value === "string") return "str";
	if (value === null) return "null";
	if (typeof value !== "object") return typeof value;
	const count = elementCount(value);
	return lineOf(value) ?? className(value) + (count === undefined ? "" : `(${count})`);
}

/** Returns a value in a line, without running code of a class that the kernel does not know. */
export const shortText = (value: unknown): string => textOf(value, SHORT);

/** Returns a value in a line that is as long as it takes. */
export const longText = (value: unknown): string => textOf(value, LONG);

/** Returns what was thrown, without its stack. */
export function errorText(error: unknown, width = SHORT.width): string {
	if (!types.isNativeError(error)) return cut(`Uncaught ${inspect(error, { depth: 0, customInspect: false })}`, width);
	try {
		return cut(Error.prototype.toString.call(error), width);
	} catch {
		return "Error";
	}
}

function textOf(value: unknown, extent: Extent): string {
	try {
		return cut(inspected(value, extent).replace(/\s*\n\s*/g, " "), extent.width);
	} catch (error) {
		return errorText(error);
	}
}

function inspected(value: unknown, { width, depth, elements }: Extent): string {
	if (types.isNativeError(value)) return errorText(value);
	if (typeof value === "object" && value !== null && elementCount(value) === undefined && !types.isProxy(value)) {
		const line = lineOf(value);
		if (line !== undefined) return line;
		if (!hasFewProperties(value)) return `${className(value)} {…}`;
	}
	return inspect(value, {
		depth,
		maxArrayLength: elements,
		maxStringLength: width,
		breakLength: Number.POSITIVE_INFINITY,
		customInspect: false,
		showProxy: true,
	});
}

function hasFewProperties(value: object): boolean {
	let count = 0;
	for (const _ in value) if (++count > PROPERTIES) return false;
	return true;
}

function lineOf(value: object): string | undefined {
	try {
		return types.isProxy(value) ? undefined : cut(kindOf(value)?.line(value) ?? "") || undefined;
	} catch {
		// It only looks like one.
		return undefined;
	}
}

/** The name of the constructor, as far as it can be read without running code. */
function className(value: object): string {
	if (types.isProxy(value)) return "Proxy";
	for (let object: object | null = value; object && !types.isProxy(object); object = Object.getPrototypeOf(object)) {
		const made = Object.getOwnPropertyDescriptor(object, "constructor")?.value as unknown;
		const name = typeof made === "function" && Object.getOwnPropertyDescriptor(made, "name")?.value;
		if (typeof name === "string" && name) return name;
	}
	return "Object";
}

const cut = (text: string, width = SHORT.width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
