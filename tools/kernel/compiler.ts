// The compiler that tslab's converter works with: TypeScript with this project's options, and with other code for cells.
//
// The converter has its options and its transformers in a closure. What it calls of TypeScript is all that can be
// replaced, and enough: the converter itself runs as it is published.
import { existsSync, watch } from "node:fs";
import { dirname, join, relative } from "node:path";
import type ts from "typescript";
import { cellOptions } from "./cell-options";
import { CellTransformer, type CellVariable, variablesOf } from "./cell-transformer";
import { type Code, cellToCommonJS } from "./common-js";
import type { TypeScript } from "./compile-cache";
import { topLevelAwait } from "./es-syntax";
import { withExports } from "./exports";
import { declareInnerVars } from "./inner-vars";
import { errorsOfFiles, forkOf, internalsOf, type NotedFile, quickInfoOf, symbolOf } from "./internals";
import { ModuleCache } from "./module-cache";
import { hideDocs, PackageDocs } from "./package-docs";
import { isForeignPackage, isPackageFolder, isPackageTypes } from "./package-paths";
import { timersOf } from "./timers";
import { declareNames, undeclaredNames } from "./undeclared";
import { unrunnable } from "./unrunnable";

type Builder = ts.EmitAndSemanticDiagnosticsBuilderProgram;

export interface EmittedModule extends Code {
	/** Path of its JavaScript, next to its TypeScript, where no file is. */
	path: string;
}

export interface EmittedCell extends Code {
	/** All names that the cell declares, types and imports included. */
	locals: string[];
	variables: CellVariable[];
	isAsync: boolean;
	lastExpression: string | undefined;
}

/** What the compiler made since it was last asked. */
export interface Emitted {
	cell?: EmittedCell;
	modules: EmittedModule[];
	/** Errors in files that the converter does not look at: those of modules outside the notebook's folder. */
	errors: readonly ts.Diagnostic[];
}

/** The folder at or above `folder` with a package.json, or the root: what lies below it can be imported. */
function findProject(folder: string): string {
	for (let project = folder; ; project = dirname(project)) {
		if (existsSync(join(project, "package.json")) || dirname(project) === project) return project;
	}
}

const isOutside = (folder: string, file: string) => relative(folder, file).startsWith("..");

export class CellCompiler {
	private readonly docs: PackageDocs;
	readonly project: string;
	/** As which the converter compiles a cell. */
	private readonly cellPath: string;
	private readonly modules: ModuleCache;
	private builder: Builder | undefined;
	private emitted: Emitted = { modules: [], errors: [] };
	/** The names of the cell that are declared for later cells in another way than by TypeScript. */
	private readonly undeclared = new Set<string>();

	/** @param folder folder of the notebook */
	constructor(
		private readonly ts: TypeScript,
		private readonly folder: string,
	) {
		this.docs = new PackageDocs(ts);
		this.project = findProject(folder);
		this.cellPath = join(folder, "__tslab__.ts");
		this.modules = new ModuleCache(ts, this.project);
	}

	/**
	 * Compiles a cell by the converter, and once more without the names that TypeScript could not declare.
	 *
	 * @param convert lets the converter convert the cell
	 */
	compile<Result>(convert: () => Result): Emitted & { result: Result } {
		this.undeclared.clear();
		for (;;) {
			const before = this.undeclared.size;
			const result = convert();
			const emitted = this.take();
			if (this.undeclared.size === before) return { ...emitted, result };
		}
	}

	/** Everything emitted since the last call. */
	private take(): Emitted {
		const emitted = this.emitted;
		this.emitted = { modules: [], errors: [] };
		this.modules.save();
		return emitted;
	}

	/** TypeScript for the converter. */
	forConverter(): object {
		const replaced = {
			createWatchCompilerHost: this.createWatchCompilerHost,
			getPreEmitDiagnosticsOfFiles: this.getDiagnostics,
			getQuickInfoAtPosition: this.getQuickInfo,
			// The converter's last step, which would drop the source maps: `toCommonJS` has done it.
			transpileModule: () => ({ outputText: "" }),
		};
		// Marked as an ES module, the object is used as it is; else the converter would copy all its properties.
		return { ...this.ts, ...forkOf(this.ts), ...replaced, __esModule: true };
	}

	private readonly createWatchCompilerHost = (
		rootFiles: string[],
		options: ts.CompilerOptions,
		system: ts.System,
		_createProgram: unknown,
		...reporters: [ts.DiagnosticReporter, ts.WatchStatusReporter]
	): ts.WatchCompilerHostOfFilesAndCompilerOptions<Builder> =>
		this.ts.createWatchCompilerHost(
			rootFiles,
			cellOptions(this.ts, options, this.folder),
			this.systemFor(system),
			this.createProgram as ts.CreateProgram<Builder>,
			...reporters,
		);

	/** Fewer and shorter files to read, and none of the packages' to watch: they stay as they are while the kernel runs. */
	private systemFor(system: ts.System): ts.System {
		const { ts, cellPath, undeclared } = this;
		const { watchFile, watchDirectory } = system;
		const faster: Partial<ts.System> = {
			readFile(path, encoding) {
				const text = system.readFile(path, encoding);
				if (text && path === cellPath) return withExports(text, undeclared);
				return text && isPackageTypes(path) ? hideDocs(text) : text;
			},
			// Asked for each of the thousand places where a module could be.
			fileExists: (path) => (isForeignPackage(path) ? ts.sys : system).fileExists(path),
			directoryExists: (path) => (isForeignPackage(path) ? ts.sys : system).directoryExists(path),
			watchFile: (path, ...rest) => (isPackageTypes(path) ? { close() {} } : watchFile!(path, ...rest)),
			watchDirectory: (path, callback, ...rest) =>
				isPackageFolder(path) ? watch(path, () => callback(path)) : watchDirectory!(path, callback, ...rest),
			...timersOf(system),
		};
		return Object.assign(Object.create(system), faster);
	}

	private readonly isCell = ({ fileName }: ts.SourceFile) => fileName === this.cellPath;

	private readonly createProgram = (...args: Parameters<ts.CreateProgram<Builder>>): Builder => {
		const builder = this.ts.createEmitAndSemanticDiagnosticsBuilderProgram(...args);
		this.builder = builder;
		const emit = builder.emit;
		builder.emit = (file, writeFile, _cancellation, _onlyDeclarations, transformers) => {
			if (!file || !writeFile) throw new Error("the converter emits one file at a time");
			if (!this.isCell(file)) return this.emitModule(file);
			return this.emitCell(emit, builder, file, writeFile, transformers);
		};
		return builder;
	};

	private emitCell(
		emit: Builder["emit"],
		builder: Builder,
		file: NotedFile,
		writeFile: ts.WriteFileCallback,
		transformers: ts.CustomTransformers | undefined,
	): ts.EmitResult {
		const { ts } = this;
		const variables = variablesOf(ts, file);
		const earlier = builder.getSourceFile(join(this.folder, "__prev__.d.ts"));
		const checker = builder.getProgram().getTypeChecker();
		const transformer = new CellTransformer(ts, checker, earlier, variables);
		let code: Code | undefined;
		const result = emit(
			file,
			(name, text) => {
				// The converter waits for these names, which follow from its own rootDir.
				if (name.endsWith(".d.ts")) {
					const others = declareNames(ts, checker, file, this.undeclared, text);
					const all = text + declareInnerVars(ts, checker, file) + others;
					return writeFile("outDir/__tslab__.d.ts", all, false);
				}
				code = cellToCommonJS(ts, text);
				writeFile("outDir/__tslab__.js", "", false);
			},
			undefined,
			undefined,
			{
				before: [() => (node) => transformer.before(node)],
				after: [() => (node) => (ts.isSourceFile(node) ? transformer.after(node) : node)],
				afterDeclarations: transformers?.afterDeclarations,
			},
		);
		const { lastExpression } = transformer;
		const locals = [...(file.locals?.keys() ?? [])].map((name) => ts.unescapeLeadingUnderscores(name));
		const isAsync = topLevelAwait(ts, file) !== undefined;
		this.emitJson(builder.getSourceFiles());
		if (code) this.emitted.cell = { ...code, locals, variables, isAsync, lastExpression };
		return result;
	}

	private emitModule({ fileName, text }: ts.SourceFile): ts.EmitResult {
		const path = fileName.replace(/\.ts$/, ".js");
		this.emitted.modules.push({ path, ...this.modules.codeOf(fileName, text) });
		return { emitSkipped: false, diagnostics: [] };
	}

	/** The JSON files that cells and modules import. The converter emits none, and Node would keep what it read first. */
	private emitJson(files: readonly ts.SourceFile[]): void {
		for (const { fileName, text } of files) {
			if (!fileName.endsWith(".json") || fileName.includes("/node_modules/")) continue;
			this.emitted.modules.push({ path: fileName, javascript: `module.exports = ${text};`, sourceMaps: [] });
		}
	}

	private readonly getDiagnostics = (program: ts.Program, files: ts.SourceFile[]): readonly ts.Diagnostic[] => {
		const { ts } = this;
		const errorsOf = (kind: "cell" | "module") => (some: ts.SourceFile[]) => [
			...errorsOfFiles(ts, program, some),
			...some.flatMap((file) => unrunnable(ts, file, kind)),
		];
		const [cell] = files.filter(this.isCell);
		const modules = files.filter((file) => file !== cell);
		const diagnostics = [
			...errorsOf("cell")([cell]),
			...this.modules.errorsOf(modules, this.builder!, errorsOf("module")),
		];
		this.emitted.errors = diagnostics.filter(
			({ file }) => file && isOutside(this.folder, file.fileName) && !file.fileName.includes("/node_modules/"),
		);
		// Those without a file are of the converter's options.
		if (diagnostics.some(({ file }) => file)) return diagnostics;
		const ofDeclarations = program.getDeclarationDiagnostics(cell);
		for (const name of undeclaredNames(ts, cell, ofDeclarations)) this.undeclared.add(name);
		return ofDeclarations;
	};

	private readonly getQuickInfo = (file: ts.SourceFile, checker: ts.TypeChecker, _: unknown, position: number) => {
		const { ts } = this;
		const name = internalsOf(ts).getTouchingPropertyName(file, position);
		const symbol = name === file ? undefined : symbolOf(ts, checker, name);
		if (!symbol) return undefined;
		this.docs.show(checker, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
		return quickInfoOf(ts, checker, name, symbol);
	};
}
