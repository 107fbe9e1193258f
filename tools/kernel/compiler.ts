// The compiler that tslab's converter works with: TypeScript with this project's options, and with other code for cells.
//
// The converter has its options and its transformers in a closure. What it calls of TypeScript is all that can be
// replaced, and enough: the converter itself runs as it is published.
import { existsSync, watch } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type ts from "typescript";
import { CellTransformer, type CellVariable, hasTopLevelAwait, variablesOf } from "./cell-transformer";
import { type Code, cellToCommonJS } from "./common-js";
import type { TypeScript } from "./compile-cache";
import { declareInnerVars } from "./inner-vars";
import { errorsOfFiles, forkOf, internalsOf, type NotedFile, quickInfoOf, symbolOf } from "./internals";
import { ModuleCache } from "./module-cache";
import { hideDocs, isPackageTypes, PackageDocs } from "./package-docs";
import { timersOf } from "./timers";

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
	/** Errors in files that the converter does not look at: those of the project outside the notebook's folder. */
	errors: readonly ts.Diagnostic[];
}

/** The folder at or above `folder` with a package.json, or the root: what lies below it can be imported. */
function findProject(folder: string): string {
	for (let project = folder; ; project = dirname(project)) {
		if (existsSync(join(project, "package.json")) || dirname(project) === project) return project;
	}
}

const isOutside = (folder: string, file: string) => relative(folder, file).startsWith("..");

/** Whether no file at `path` is the converter's: neither a module in memory nor its own package. */
const isForeignPackage = (path: string) => path.includes("/node_modules/") && !path.includes("/node_modules/tslab");

/**
 * Whether packages are installed in a folder. Each installation changes a file or a folder right there, whose watching
 * needs no look into every package.
 */
const isPackageFolder = (path: string) => basename(path) === "node_modules" && existsSync(path);

export class CellCompiler {
	private readonly docs: PackageDocs;
	readonly project: string;
	private readonly modules: ModuleCache;
	private builder: Builder | undefined;
	private emitted: Emitted = { modules: [], errors: [] };

	/** @param folder folder of the notebook */
	constructor(
		private readonly ts: TypeScript,
		private readonly folder: string,
	) {
		this.docs = new PackageDocs(ts);
		this.project = findProject(folder);
		this.modules = new ModuleCache(ts, this.project);
	}

	/** Everything emitted since the last call. */
	take(): Emitted {
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
			{
				...options,
				lib: ["lib.es2023.d.ts"],
				moduleResolution: this.ts.ModuleResolutionKind.Bundler,
				strict: true,
				// Else modules of ../src are "not under 'rootDir'". https://github.com/yunabe/tslab/issues/63
				rootDir: this.project,
				inlineSourceMap: true,
				// All others come with what imports them. Looking through every package of types takes a second.
				types: ["node"],
			},
			this.systemFor(system),
			this.createProgram as ts.CreateProgram<Builder>,
			...reporters,
		);

	/** Fewer and shorter files to read, and none of the packages' to watch: they stay as they are while the kernel runs. */
	private systemFor(system: ts.System): ts.System {
		const { ts } = this;
		const { watchFile, watchDirectory } = system;
		const faster: Partial<ts.System> = {
			readFile(path, encoding) {
				const text = system.readFile(path, encoding);
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

	private readonly isCell = ({ fileName }: ts.SourceFile) => fileName === join(this.folder, "__tslab__.ts");

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
					return writeFile("outDir/__tslab__.d.ts", text + declareInnerVars(ts, checker, file), false);
				}
				code = cellToCommonJS(ts, text);
				writeFile("outDir/__tslab__.js", "", false);
			},
			undefined,
			undefined,
			{
				after: [() => (node) => (ts.isSourceFile(node) ? transformer.transform(node) : node)],
				afterDeclarations: transformers?.afterDeclarations,
			},
		);
		const { lastExpression } = transformer;
		const locals = [...(file.locals?.keys() ?? [])].map((name) => ts.unescapeLeadingUnderscores(name));
		const isAsync = hasTopLevelAwait(ts, file);
		if (code) this.emitted.cell = { ...code, locals, variables, isAsync, lastExpression };
		return result;
	}

	private emitModule({ fileName, text }: ts.SourceFile): ts.EmitResult {
		if (!fileName.endsWith(".json")) {
			const path = fileName.replace(/\.ts$/, ".js");
			this.emitted.modules.push({ path, ...this.modules.codeOf(fileName, text) });
		}
		return { emitSkipped: false, diagnostics: [] };
	}

	private readonly getDiagnostics = (program: ts.Program, files: ts.SourceFile[]): readonly ts.Diagnostic[] => {
		const ofFiles = (some: ts.SourceFile[]) => errorsOfFiles(this.ts, program, some);
		const modules = files.filter((file) => !this.isCell(file));
		const diagnostics = [
			...ofFiles(files.filter(this.isCell)),
			...this.modules.errorsOf(modules, this.builder!, ofFiles),
		];
		this.emitted.errors = diagnostics.filter(
			({ file }) => file && isOutside(this.folder, file.fileName) && !isOutside(this.project, file.fileName),
		);
		return diagnostics;
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
