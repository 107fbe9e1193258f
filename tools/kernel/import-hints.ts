// What to do about an import that fails: which door exports the name, or how a package and its types are installed.
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import type { Diagnostic } from "tslab/dist/converter";

/** TypeScript's errors of an imported name or file that does not exist. */
const NO_EXPORT = new Set([2305, 2614, 2724]);
const NO_MODULE = 2307;
/** TypeScript's error of a package without types. */
const NO_TYPES = 7016;

/**
 * Adds to errors of imports from the project's `src/` which file there exports the name now, and to those of packages that
 * they are looked for, as in Node, from the notebook's folder upwards.
 *
 * @param folder the notebook's
 * @param project the project's, with `src/`
 */
export function withImportHint(error: Diagnostic, code: string, folder: string, project: string): Diagnostic {
	if (error.fileName) return error;
	if (error.code === NO_TYPES) return withTypesHint(error);
	if (!NO_EXPORT.has(error.code) && error.code !== NO_MODULE) return error;
	const [, name] = /^Cannot find module '((?![./])[^']+)'/.exec(error.messageText) ?? [];
	if (name && !isBuiltin(name)) {
		const install = `npm install ${packageOf(name)} in the notebook's folder`;
		return { ...error, messageText: `Cannot find module '${name}': ${install}.` };
	}
	const statement = statementAt(code, error.start.offset);
	const [, list = "", specifier = ""] =
		/import\s+(?:type\s+)?\{([^}]*)\}\s*from\s*["'](\.[^"']+)["']/.exec(statement) ?? [];
	const source = join(project, "src");
	if (dirname(join(folder, specifier)) !== source) return error;
	const missing = /'(\w+)'/.exec(error.messageText.replace(/^Module '.*?' /, ""))?.[1];
	const names = error.code === NO_MODULE ? namesOf(list) : namesOf(missing ?? "");
	const hints = names.flatMap((name) => {
		const door = doorOf(name, source);
		return door ? [`${name} is exported by ${dirname(specifier)}/${door}`] : [];
	});
	if (hints.length === 0) return error;
	return { ...error, messageText: `${error.messageText.replace(/\.$/, "")}: ${hints.join(", ")}.` };
}

/** TypeScript's own advice, a file of declarations, is for projects: a cell would not read it. */
function withTypesHint(error: Diagnostic): Diagnostic {
	const [, name] = /declaration file for module '([^']+)'/.exec(error.messageText) ?? [];
	if (!name) return error;
	// https://www.typescriptlang.org/docs/handbook/declaration-files/consumption.html
	const types = `@types/${packageOf(name).replace(/^@(.*)\//, "$1__")}`;
	const otherwise = `or else write const ${identifierOf(name)} = require(${JSON.stringify(name)}), which is any`;
	return {
		...error,
		messageText: `Module '${name}' has no types: npm install ${types} if there are any, ${otherwise}.`,
	};
}

/** A variable's name made of a specifier's last word. */
const identifierOf = (specifier: string) =>
	(specifier.split("/").at(-1) as string)
		.replace(/\.\w+$/, "")
		.replace(/\W+(\w)?/g, (_, letter = "") => letter.toUpperCase());

/** The package that a specifier such as `@scope/name/file` names. */
const packageOf = (specifier: string) =>
	specifier
		.split("/")
		.slice(0, specifier.startsWith("@") ? 2 : 1)
		.join("/");

/** The import statement around an offset: from its `import` to its end. */
function statementAt(code: string, offset: number): string {
	const start = code.lastIndexOf("import", offset);
	const end = code.indexOf(";", offset);
	return code.slice(Math.max(0, start), end < 0 ? undefined : end + 1);
}

/** The exported names in an import list: `type A, b as c` gives `A` and `b`. */
const namesOf = (list: string) =>
	list
		.split(",")
		.map(
			(item) =>
				item
					.trim()
					.replace(/^type\s+/, "")
					.split(/\s+as\s+/)[0],
		)
		.filter(Boolean);

/** The name, without extension, of the file directly in `source` that re-exports a name. */
function doorOf(name: string, source: string): string | undefined {
	const exportLists = (file: string) =>
		[...readFileSync(join(source, file), "utf8").matchAll(/export\s+(?:type\s+)?\{([^}]*)\}\s*from/g)].map(
			([, list]) => list,
		);
	return readdirSync(source)
		.filter((file) => file.endsWith(".ts"))
		.find((file) => exportLists(file).some((list) => namesOf(list).includes(name)))
		?.replace(/\.ts$/, "");
}
