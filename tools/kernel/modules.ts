// What `require` returns in cells and in the modules of the project that they import.
import Module from "node:module";
import { dirname, join, resolve } from "node:path";
import type { EmittedModule } from "./compiler";
import { EsPackages, importMeta, namespaceOf } from "./es-packages";
import { inspectShortly } from "./values/kinds";

/** A module that is compiled from text. Node's class has this method, undocumented. */
type Compiling = Module & { _compile(code: string, filename: string): void };

const { _nodeModulePaths } = Module as unknown as { _nodeModulePaths(folder: string): string[] };

/** `require("…")` in compiled code. */
const REQUIRE = /\brequire\((["'])(.+?)\1\)/g;

/** The modules that the converter made, loaded when they are required. */
export class ProjectModules {
	private readonly code = new Map<string, string>();
	private readonly loaded = new Map<string, Module>();
	private readonly packages = new EsPackages();
	/** For cells. */
	readonly require: NodeJS.Require;
	/** As which cells import: the path of no file. */
	readonly cell: string;

	/** @param folder where relative imports of cells start */
	constructor(folder: string) {
		this.cell = join(folder, "src.js");
		this.require = this.hook(Module.createRequire(this.cell), this.cell);
	}

	update(modules: EmittedModule[]): void {
		// Modules that import a changed one hold its old exports, so all run again.
		const hasChanged = ({ path, javascript }: EmittedModule) => {
			const before = this.code.get(path);
			return before !== undefined && before !== javascript;
		};
		if (modules.some(hasChanged)) this.loaded.clear();
		for (const { path, javascript } of modules) this.code.set(path, javascript);
	}

	/**
	 * Loads the ES modules of packages that code and the project's modules below it require, since that takes an `await`.
	 *
	 * @param filename path of the code. Default: a cell
	 */
	async prepare(code: string, filename = this.cell, seen = new Set<string>()): Promise<void> {
		for (const [, , name] of code.matchAll(REQUIRE)) {
			const path = this.pathOf(name, filename);
			const module = this.code.get(path);
			if (module === undefined) await this.packages.load(name, filename);
			else if (!this.loaded.has(path) && !seen.has(path)) await this.prepare(module, path, seen.add(path));
		}
	}

	/** `require` of a file, with the project's modules and tslab's, `import()` and `import.meta`. */
	private hook(original: NodeJS.Require, filename: string): NodeJS.Require {
		const require_ = (name: string): unknown => {
			// The kernel's tslab, whose display functions reach it, also for a notebook with another one nearby.
			if (name === "tslab") return require("tslab");
			const found = this.load(this.pathOf(name, filename)) ?? this.packages.loaded(name, filename);
			if (found) return found.exports;
			const exports: unknown = original(name);
			if (name.startsWith("@tensorflow/")) inspectShortly(exports as object);
			return exports;
		};
		const load = async (name: unknown) => {
			const text = String(name);
			await this.prepare(`require(${JSON.stringify(text)})`, filename);
			return this.packages.loaded(text, filename)?.namespace ?? namespaceOf(require_(text));
		};
		return Object.assign(require_, original, { import: load, meta: importMeta(filename) });
	}

	/** The path of the module of the project that `name` is in a file; if there is none, one without a module. */
	private pathOf(name: string, filename: string): string {
		const path = resolve(dirname(filename), name);
		return [path, `${path}.js`, join(path, "index.js")].find((file) => this.code.has(file)) ?? path;
	}

	private load(filename: string): Module | undefined {
		const loaded = this.loaded.get(filename);
		const code = this.code.get(filename);
		if (loaded || code === undefined) return loaded;
		const made = new Module(filename) as Compiling;
		made.filename = filename;
		made.paths = _nodeModulePaths(dirname(filename));
		made.require = this.hook(made.require.bind(made) as NodeJS.Require, filename);
		// Registered before it runs, as Node does, so that circular imports end.
		this.loaded.set(filename, made);
		try {
			made._compile(code, filename);
		} catch (error) {
			this.loaded.delete(filename);
			throw error;
		}
		return made;
	}
}
