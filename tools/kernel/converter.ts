// tslab's converter, with this project's compiler: turns cells into JavaScript, and helps with typing.
import { relative } from "node:path";
import type { CompletionInfo, Converter, Diagnostic } from "tslab/dist/converter";
import type { CodeMetadata } from "tslab/dist/metadata";
import type ts from "typescript";
import { loadTypeScript, provideCompiler, type TypeScript } from "./compile-cache";
import { CellCompiler, type EmittedCell, type EmittedModule } from "./compiler";
import { withoutExports } from "./exports";
import { withHabitAdvice } from "./habits";
import { withImportHint } from "./import-hints";
import { keptDeclarations } from "./kept-declarations";
import { withLibraryHint } from "./libraries";

export interface ConvertedCell {
	/** The cell, unless it is empty or has errors. */
	cell?: EmittedCell;
	/** Modules of the project that the cell imports and that are new or changed. */
	modules: EmittedModule[];
	/** Declarations of this and the earlier cells. */
	declarations: string;
	errors: Diagnostic[];
}

/** The modules of tslab that the kernel uses. */
interface Tslab {
	createConverter(): Converter;
	getCodeMetadata(code: string): CodeMetadata;
}

export class CellConverter {
	readonly ts: TypeScript;
	private readonly compiler: CellCompiler;
	private readonly tslab: Tslab;
	private made: Converter | undefined;

	/**
	 * Loads the compiler. The converter is made when it is first needed, which takes longer.
	 *
	 * @param folder folder of the notebook
	 */
	constructor(private readonly folder: string) {
		this.ts = loadTypeScript();
		this.compiler = new CellCompiler(this.ts, folder);
		provideCompiler(this.compiler.forConverter());
		this.tslab = { ...require("tslab/dist/converter"), ...require("tslab/dist/metadata") };
	}

	/** The version of TypeScript that compiles the cells. */
	get version(): string {
		return this.ts.version;
	}

	get converter(): Converter {
		this.made ??= this.tslab.createConverter();
		return this.made;
	}

	/** @param declarations those of the earlier cells */
	convert(declarations: string, code: string): ConvertedCell {
		const withoutOwn = withoutExports(this.ts, code);
		const compiled = this.compiler.compile(() => this.converter.convert(declarations, withoutOwn));
		const { result, cell, modules, errors: outside } = compiled;
		const latest = result.declOutput ?? "";
		const errors = [...result.diagnostics, ...outside.map((error) => this.toDiagnostic(error))];
		return {
			cell,
			modules: modules.sort((a, b) => a.path.localeCompare(b.path)),
			declarations: latest + keptDeclarations(this.ts, declarations, latest, cell?.locals ?? []),
			errors: withHabitAdvice(errors, code).map((error) =>
				withLibraryHint(withImportHint(error, code, this.folder, this.compiler.project)),
			),
		};
	}

	inspect(declarations: string, code: string, position: number): ts.QuickInfo | undefined {
		return this.converter.inspect(declarations, code, position);
	}

	complete(declarations: string, code: string, position: number): CompletionInfo {
		const completion = this.converter.complete(declarations, code, position);
		if (completion.start !== position) return completion;
		// In a string, such as the path of an import, the converter sees no name that is begun. Where the compiler names no
		// span, it is a word.
		const [word] = /[\w$]*$/.exec(code.slice(0, position)) as RegExpExecArray;
		const begun = completion.original?.entries[0]?.replacementSpan?.length ?? word.length;
		const start = position - begun;
		const name = code.slice(start, position);
		return { ...completion, start, candidates: completion.candidates.filter((text) => text.startsWith(name)) };
	}

	/** Makes a cell with the JSDoc tag `@module` a module in memory. */
	addModule(name: string, code: string, metadata: CodeMetadata): Diagnostic[] {
		return this.converter.addModule(name, code, metadata);
	}

	metadataOf(code: string): CodeMetadata {
		return this.tslab.getCodeMetadata(code);
	}

	close(): void {
		this.made?.close();
	}

	private toDiagnostic({ file, start = 0, length = 0, messageText, category, code }: ts.Diagnostic): Diagnostic {
		const { ts } = this;
		const position = (offset: number) => ({
			offset,
			...(file ? ts.getLineAndCharacterOfPosition(file, offset) : { line: 0, character: 0 }),
		});
		return {
			start: position(start),
			end: position(start + length),
			messageText: ts.flattenDiagnosticMessageText(messageText, "\n"),
			category,
			code,
			fileName: file && relative(this.folder, file.fileName),
		};
	}
}
