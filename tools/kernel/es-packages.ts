// ES modules for code that is compiled to CommonJS. Node's `require` finds none that has only an `import` in its package's
// `exports`, none that awaits at its top and, before Node 20.19, none at all.
import { readFileSync } from "node:fs";
import Module, { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

type Namespace = Record<string, unknown>;

interface EsModule {
	namespace: Namespace;
	/** What `require` returns. */
	exports: object;
}

/** `import()` as a file in a folder would call it. */
type Import = (name: string) => Promise<Namespace>;

export class EsPackages {
	private readonly imports = new Map<string, Import>();
	private readonly modules = new Map<string, EsModule>();

	/** Loads what `name` stands for in a file, if that is an ES module. */
	async load(name: string, filename: string): Promise<void> {
		const key = keyOf(name, filename);
		if (this.modules.has(key) || isBuiltin(name) || !isEsModule(name, filename)) return;
		const namespace = await this.importOf(dirname(filename))(name);
		this.modules.set(key, { namespace, exports: commonJSOf(namespace) });
	}

	/** Returns an ES module that was loaded. */
	loaded(name: string, filename: string): EsModule | undefined {
		return this.modules.get(keyOf(name, filename));
	}

	private importOf(folder: string): Import {
		let imported = this.imports.get(folder);
		if (!imported) {
			const filename = join(folder, "import.js");
			const module = new Module(filename) as Module & { _compile(code: string, filename: string): void };
			module._compile("module.exports = (name) => import(name);", filename);
			imported = module.exports as Import;
			this.imports.set(folder, imported);
		}
		return imported;
	}
}

const keyOf = (name: string, filename: string) => `${dirname(filename)}\n${name}`;

function isEsModule(name: string, filename: string): boolean {
	if (/^(file|data|https?):/.test(name)) return true;
	try {
		const path = Module.createRequire(filename).resolve(name);
		return path.endsWith(".mjs") || (path.endsWith(".js") && typeOf(dirname(path)) === "module");
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
	}
}

/** The `type` of the package that a folder belongs to. */
function typeOf(folder: string): string | undefined {
	try {
		return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { type?: string }).type;
	} catch {
		const above = dirname(folder);
		return above === folder ? undefined : typeOf(above);
	}
}

/** An ES module as TypeScript's CommonJS expects it: its exports stay the current ones. */
function commonJSOf(namespace: Namespace): object {
	const exports = Object.defineProperties(
		{},
		{
			__esModule: { value: true },
			[inspect.custom]: { value: () => namespace },
		},
	);
	for (const name of Object.keys(namespace)) {
		Object.defineProperty(exports, name, { enumerable: true, get: () => namespace[name] });
	}
	return exports;
}

/** What `import()` resolves to for a module that `require` has loaded; TypeScript's `__importStar`. */
export function namespaceOf(exports: unknown): object {
	if ((exports as { __esModule?: boolean } | undefined)?.__esModule) return exports as object;
	return { ...(exports as object), default: exports };
}

/** `import.meta` of a file. */
export function importMeta(filename: string): object {
	const resolve = (name: string) => {
		const path = Module.createRequire(filename).resolve(name);
		return isBuiltin(path) ? path : pathToFileURL(path).href;
	};
	return { url: pathToFileURL(filename).href, filename, dirname: dirname(filename), resolve };
}
