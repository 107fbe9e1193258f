// What `require` returns in cells and in the modules of the project that they import.
import Module from "node:module";
import { dirname, extname, join } from "node:path";
import type { EmittedModule } from "./compiler";

/** A module that is compiled from text. Node's class has this method, undocumented. */
type Compiling = Module & { _compile(code: string, filename: string): void };

const { _nodeModulePaths } = Module as unknown as { _nodeModulePaths(folder: string): string[] };

/** The modules that the converter made, loaded when they are required. */
export class ProjectModules {
	private readonly code = new Map<string, string>();
	private readonly loaded = new Map<string, Module>();
	/** For cells. */
	readonly require: NodeJS.Require;

	/** @param folder where relative imports of cells start */
	constructor(folder: string) {
		this.require = this.hook(Module.createRequire(join(folder, "src.js")), folder);
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

	/** `require` of a module in `folder`, with the project's modules and tslab's. */
	private hook(original: NodeJS.Require, folder: string): NodeJS.Require {
		return new Proxy(original, {
			apply: (target, self, args: [string]) => {
				// The kernel's tslab, whose display functions reach it, also for a notebook with another one nearby.
				if (args[0] === "tslab") return require("tslab");
				const found = this.load(join(folder, args[0]));
				return found ? found.exports : Reflect.apply(target, self, args);
			},
		});
	}

	/** @param name a path, with or without its extension */
	private load(name: string): Module | undefined {
		const filename = extname(name) === "" ? `${name}.js` : name;
		const loaded = this.loaded.get(filename);
		const code = this.code.get(filename);
		if (loaded || code === undefined) return loaded;
		const made = new Module(filename) as Compiling;
		made.filename = filename;
		made.paths = _nodeModulePaths(dirname(filename));
		made.require = this.hook(made.require as NodeJS.Require, dirname(filename));
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
