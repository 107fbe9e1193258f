// Runs cells. All cells share their variables, which live in the closures of the cells that declared them.
import { relative } from "node:path";
import { runInThisContext } from "node:vm";
import type { CompletionInfo } from "tslab/dist/converter";
import type { QuickInfo } from "typescript";
import { CELL_GLOBAL, type CellVariable } from "./cell-transformer";
import type { EmittedCell, EmittedModule } from "./compiler";
import type { CellConverter } from "./converter";
import { checkLoop, checkpoint, Interrupted } from "./execution";
import { ProjectModules } from "./modules";
import { type Stacks, TypeScriptError } from "./stacks";

/** How to read and assign a variable in the closure of its cell. */
interface Accessors {
	get(): unknown;
	set(value: unknown): void;
}

/** The source of the accessors of a variable. */
const accessorsOf = ({ name, isConst }: CellVariable) =>
	`${name}: { get: () => ${name}, set: (v) => { ${isConst ? "" : `${name} = v;`} } }`;

/** A debugger, which sets breakpoints in a cell before it runs. */
export interface Observer {
	begin(): Promise<void>;
	end(): void;
}

export class Executor {
	/** What cells declared: accessors of variables, and imports. */
	readonly exports: Record<string, unknown> = {};
	/** Whether a cell runs, compiled. */
	isRunning = false;
	/** Who is told of each cell's begin and end, if anybody is. */
	observer: Observer | undefined;
	private readonly modules: ProjectModules;
	private declarations = "";

	/** @param folder folder of the notebook */
	constructor(
		private readonly folder: string,
		private readonly converter: () => CellConverter,
		private readonly stacks: Stacks,
	) {
		this.modules = new ProjectModules(folder);
		const { exports } = this;
		const exportsOf = (accessors: Record<string, Accessors>) => this.exportsOf(accessors);
		const scope = { exports, exportsOf, require: this.modules.require, checkpoint, checkLoop };
		// Not enumerable: who looks at the global object looks for other things.
		Object.defineProperty(globalThis, CELL_GLOBAL, { configurable: true, value: scope });
	}

	/**
	 * Runs a cell.
	 *
	 * @param name what stands for it in stacks
	 * @param begin called when its code begins to run
	 * @returns the value of its last expression, in an object because it may be a promise, which is not awaited
	 */
	async execute(code: string, name: string, begin?: () => Promise<void>): Promise<{ value?: unknown }> {
		const converter = this.converter();
		const metadata = converter.metadataOf(code);
		if (metadata.module) {
			// The module exists regardless of its errors.
			const errors = converter.addModule(metadata.module, code, metadata);
			if (errors.length > 0) console.error(new TypeScriptError(errors, code).stack);
			return {};
		}
		// tslab has this mode and nothing that runs it.
		if (metadata.mode === "browser") return {};
		const { cell, modules, declarations, errors } = converter.convert(this.declarations, code);
		this.addModules(modules);
		if (errors.length > 0) throw new TypeScriptError(errors, code);
		// Before it runs: what a cell has set when it fails stays.
		this.declarations = declarations;
		return cell ? this.run(cell, name, code, begin) : {};
	}

	inspect(code: string, position: number): QuickInfo | undefined {
		return this.converter().inspect(this.declarations, code, position);
	}

	complete(code: string, position: number): CompletionInfo {
		return this.converter().complete(this.declarations, code, position);
	}

	/** Gives a variable to all cells, of any type unless a cell has declared it. */
	share(name: string, value: unknown): void {
		const accessors = Object.getOwnPropertyDescriptor(this.exports, name);
		if (accessors?.get && accessors.set) {
			accessors.set(value);
			if (Object.is(accessors.get(), value)) return;
			throw new Error(
				`${name} is a constant of a cell: expected a name that is free or a variable's; choose another one`,
			);
		}
		let shared = value;
		const set = (changed: unknown) => {
			shared = changed;
		};
		Object.defineProperty(this.exports, name, { get: () => shared, set, enumerable: true, configurable: true });
		this.declarations += `\nexport declare let ${name}: any;\n`;
	}

	private addModules(modules: EmittedModule[]): void {
		this.modules.update(modules);
		for (const { path, sourceMaps } of modules) {
			const source = relative(this.folder, path.replace(/\.js$/, ".ts"));
			this.stacks.add(path, { sourceMaps, source, firstLine: 1 });
		}
	}

	private async run(
		cell: EmittedCell,
		name: string,
		text: string,
		begin: (() => Promise<void>) | undefined,
	): Promise<{ value?: unknown }> {
		const { javascript, sourceMaps, locals, variables, isAsync, lastExpression } = cell;
		await this.modules.prepare(javascript);
		// A variable that is declared again is no longer the earlier cell's.
		for (const local of locals) delete this.exports[local];
		// A function, so that `let` and `const` can be declared again, and because variables of functions are faster.
		const accessors = variables.map(accessorsOf).join(", ");
		// Around it another one, whose names a cell can declare as its own.
		const inner = `return (${isAsync ? "async " : ""}function() { const exports = ${CELL_GLOBAL}.exportsOf({ ${accessors} });`;
		const code = [
			`(function(require, __filename, __dirname) { ${inner}`,
			javascript,
			`})(); })(${CELL_GLOBAL}.require, ${JSON.stringify(this.modules.cell)}, ${JSON.stringify(this.folder)})`,
		].join("\n");
		this.stacks.add(name, { sourceMaps, firstLine: 2, lines: javascript.split("\n").length, text });
		if (this.observer) await this.observer.begin();
		await begin?.();
		// An interrupt may have come while the cell was compiled.
		checkLoop();
		this.isRunning = true;
		try {
			await runInThisContext(code, { breakOnSigint: true, filename: name, displayErrors: false });
		} catch (error) {
			const isSignal = (error as NodeJS.ErrnoException | undefined)?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
			throw isSignal ? new Interrupted() : error;
		} finally {
			this.isRunning = false;
			this.observer?.end();
		}
		if (!lastExpression) return {};
		const value = this.exports[lastExpression];
		delete this.exports[lastExpression];
		return { value };
	}

	/**
	 * The `exports` of a cell's code. The cell's variables are reached through accessors, so that the functions of the
	 * cell and later cells share them, and those that a failed cell did not reach are not set.
	 */
	private exportsOf(accessors: Record<string, Accessors>): object {
		const { exports } = this;
		for (const [name, { get, set }] of Object.entries(accessors)) {
			Object.defineProperty(exports, name, { get, set, enumerable: true, configurable: true });
		}
		return new Proxy(exports, {
			// A later cell may declare the names of imports again.
			defineProperty(_target, property, attributes) {
				if (property !== "__esModule") Object.defineProperty(exports, property, { ...attributes, configurable: true });
				return true;
			},
		});
	}
}
