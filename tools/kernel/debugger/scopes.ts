// The variables that a stopped function can name.

type Named = [name: string, value: unknown][];

/**
 * Returns a function's variables, and those of the functions around it.
 *
 * @param text TypeScript of the cell or module
 * @param types types of V8's scopes, the inner ones first
 * @param self what `this` is
 * @param objects the variables of V8's scopes
 */
export function scopesOf(
	text: string,
	types: string[],
	self: unknown,
	objects: object[],
): { Locals: Named; Closure?: Named } {
	const merge = (isPart: (type: string) => boolean): Named => {
		const merged = new Map<string, unknown>();
		for (const [i, object] of objects.entries()) {
			if (!isPart(types[i])) continue;
			for (const name of Object.keys(object)) {
				// What the compiler and the kernel added is not in the text.
				if (!merged.has(name) && hasWord(text, name)) merged.set(name, valueIn(object, name));
			}
		}
		return [...merged];
	};
	const Locals = merge((type) => !["closure", "script", "global"].includes(type));
	if (hasWord(text, "this") && self !== undefined && self !== globalThis) Locals.push(["this", self]);
	const Closure = merge((type) => type === "closure");
	return Closure.length > 0 ? { Locals, Closure } : { Locals };
}

/** The value of a variable in a scope; of one whose declaration is still to come, V8 says nothing or throws. */
function valueIn(scope: object, name: string): unknown {
	try {
		return Reflect.get(scope, name);
	} catch {
		return undefined;
	}
}

const hasWord = (text: string, name: string) =>
	new RegExp(`(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`).test(text);
