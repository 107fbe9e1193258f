// Variables and their children, which JupyterLab asks for when one is unfolded.
import { types } from "node:util";
import { elementCount, errorText, shortText, typeOf, type Variable } from "./describe";

/** Elements, or groups of them, in a list of all. */
const PAGE = 100;
/** Elements that can be asked for at once. */
const LONGEST = 1000;

/** Which children to return. Default: all; of many elements, groups. */
export interface Page {
	filter?: "indexed" | "named";
	/** Number of the first child. Default: 0 */
	start?: number;
	/** How many children; 0 stands for all. Default: 0 */
	count?: number;
}

/** Variables of a cell or of a function. */
export class Scope {
	constructor(readonly variables: [name: string, value: unknown][]) {}
}

/** A part of the elements of an array, map or set. */
class Slice {
	constructor(
		readonly value: object,
		readonly start: number,
		readonly count: number,
	) {}
}

/** Describes variables. An object has the same reference as long as it lives, so that what is unfolded stays so. */
export class Variables {
	private readonly references = new WeakMap<object, number>();
	private readonly objects = new Map<number, WeakRef<object>>();
	/** Slices live as long as what they are of. */
	private readonly slices = new WeakMap<object, Slice[]>();
	private readonly registry = new FinalizationRegistry<number>((reference) => this.objects.delete(reference));
	private latest = 0;

	/** Returns the number by which an object's children are asked for. */
	referenceTo(object: object): number {
		const known = this.references.get(object);
		if (known) return known;
		const reference = ++this.latest;
		this.references.set(object, reference);
		this.objects.set(reference, new WeakRef(object));
		this.registry.register(object, reference);
		return reference;
	}

	describe(name: string, value: unknown): Variable {
		const variable = { name, value: shortText(value), type: typeOf(value) };
		const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
		const count = elementCount(value);
		if (!isObject || types.isProxy(value) || count === 0) return { ...variable, variablesReference: 0 };
		const counted = count === undefined ? {} : { indexedVariables: count, namedVariables: 0 };
		return { ...variable, variablesReference: this.referenceTo(value), ...counted };
	}

	/** @throws for the reference of an object that is gone */
	children(reference: number, page: Page = {}): Variable[] {
		const object = this.objects.get(reference)?.deref();
		if (!object) throw new Error(`${reference} refers to no variable: ask for variables or scopes again`);
		const { start = 0, count = 0 } = page;
		const end = count > 0 ? start + count : undefined;
		if (object instanceof Slice) return this.elements(object);
		const total = elementCount(object);
		if (total !== undefined) {
			if (page.filter === "named") return [];
			const slice = new Slice(object, start, Math.max(0, Math.min(end ?? total, total) - start));
			return this.elements(slice, end === undefined ? PAGE : LONGEST);
		}
		if (page.filter === "indexed") return [];
		if (object instanceof Scope) {
			return object.variables.slice(start, end).map(([name, value]) => ({
				...this.describe(name, value),
				evaluateName: name,
			}));
		}
		return propertiesOf(object)
			.slice(start, end)
			.map((property) => this.property(object, property));
	}

	/** @param longest number of elements above which they are in groups */
	private elements(slice: Slice, longest = PAGE): Variable[] {
		if (slice.count <= longest) return elementsOf(slice).map(([name, value]) => this.describe(name, value));
		let size = PAGE;
		while (size * PAGE < slice.count) size *= PAGE;
		const end = slice.start + slice.count;
		const kept = this.slices.get(slice.value) ?? [];
		this.slices.set(slice.value, kept);
		return Array.from({ length: Math.ceil(slice.count / size) }, (_, i) => {
			const start = slice.start + i * size;
			const part = new Slice(slice.value, start, Math.min(size, end - start));
			kept.push(part);
			const name = `[${start} … ${start + part.count - 1}]`;
			return { name, value: `${part.count} elements`, variablesReference: this.referenceTo(part) };
		});
	}

	private property(object: object, property: string | symbol): Variable {
		const name = typeof property === "symbol" ? property.toString() : property;
		try {
			return this.describe(name, Reflect.get(object, property));
		} catch (error) {
			return { name, value: errorText(error), variablesReference: 0 };
		}
	}
}

function elementsOf({ value, start, count }: Slice): [name: string, value: unknown][] {
	if (types.isMap(value)) return take(value, start, count).map(([key, element]) => [shortText(key), element]);
	if (types.isSet(value)) return take(value, start, count).map((element, i) => [String(start + i), element]);
	const array = value as unknown[];
	return Array.from({ length: count }, (_, i) => [String(start + i), array[start + i]]);
}

function take<T>(iterable: Iterable<T>, start: number, count: number): T[] {
	const taken: T[] = [];
	let i = 0;
	for (const element of iterable) {
		if (i++ < start) continue;
		if (taken.length === count) break;
		taken.push(element);
	}
	return taken;
}

/** Names of an object's own properties, and of the getters of its class. */
function propertiesOf(object: object): (string | symbol)[] {
	const names = new Set(Reflect.ownKeys(object));
	const isGetter = (prototype: object, name: string | symbol) =>
		Object.getOwnPropertyDescriptor(prototype, name)?.get !== undefined && name !== "__proto__";
	for (let prototype = Object.getPrototypeOf(object); prototype; prototype = Object.getPrototypeOf(prototype)) {
		if (prototype === Function.prototype || types.isProxy(prototype)) break;
		for (const name of Reflect.ownKeys(prototype)) if (isGetter(prototype, name)) names.add(name);
	}
	return [...names];
}
