// Values as a list of variables shows them: a type and a short text.
import { inspect, types } from "node:util";

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

/** Characters of a text. */
const WIDTH = 120;
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

/** Returns a value's type; of a tensor, also what is in it. */
export function typeOf(value: unknown): string {
	// JupyterLab shows the values of these four types, Python's, and of others only the type.
	if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : "float";
	if (typeof value === "boolean") return "bool";
	if (typeof value === "string") return "str";
	if (value === null) return "null";
	if (typeof value !== "object") return typeof value;
	const name = className(value);
	const count = elementCount(value);
	if (count !== undefined) return `${name}(${count})`;
	const { shape, dtype } = ownData(value);
	return Array.isArray(shape) && typeof dtype === "string" ? `${name} ${dtype} [${shape.join(", ")}]` : name;
}

/** Returns a value in at most 120 characters, without running code of its own. */
export function shortText(value: unknown): string {
	try {
		return cut(textOf(value).replace(/\s*\n\s*/g, " "));
	} catch (error) {
		return errorText(error);
	}
}

/** Returns what a getter threw. */
export function errorText(error: unknown): string {
	if (!types.isNativeError(error)) return cut(`Uncaught ${inspect(error, { depth: 0, customInspect: false })}`);
	try {
		return cut(Error.prototype.toString.call(error));
	} catch {
		return "Error";
	}
}

function textOf(value: unknown): string {
	if (types.isNativeError(value)) return errorText(value);
	const isPlain = typeof value === "object" && value !== null && elementCount(value) === undefined;
	if (isPlain && !types.isProxy(value) && !hasFewProperties(value)) return `${className(value)} {…}`;
	return inspect(value, {
		depth: 0,
		maxArrayLength: 5,
		maxStringLength: WIDTH,
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

/** The name of the constructor, as far as it can be read without running code. */
function className(value: object): string {
	if (types.isProxy(value)) return "Proxy";
	for (let object: object | null = value; object && !types.isProxy(object); object = Object.getPrototypeOf(object)) {
		const { constructor: made } = ownData(object);
		const name = typeof made === "function" && Object.getOwnPropertyDescriptor(made, "name")?.value;
		if (typeof name === "string" && name) return name;
	}
	return "Object";
}

/** The properties of an object that are no getters. */
function ownData(value: object): Record<string, unknown> {
	const read = (name: string) => Object.getOwnPropertyDescriptor(value, name)?.value as unknown;
	return types.isProxy(value) ? {} : { shape: read("shape"), dtype: read("dtype"), constructor: read("constructor") };
}

const cut = (text: string) => (text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text);
