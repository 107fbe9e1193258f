// What TypeScript has, but doesn't declare; and, for tslab's converter, what only tslab's own TypeScript has.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/** A source file with what the compiler notes in it. */
export interface NotedFile extends ts.SourceFile {
	/** The names declared at its top, imports included. */
	locals?: ts.SymbolTable;
	/** Hash of its text. */
	version?: string;
	/** `declare module` and `declare global` in a module. */
	moduleAugmentations?: unknown[];
}

interface Internals {
	nullTransformationContext: ts.TransformationContext;
	getTouchingPropertyName(file: ts.SourceFile, position: number): ts.Node;
	getContainerNode(node: ts.Node): ts.Node | undefined;
	getContainingObjectLiteralElement(node: ts.Node): (ts.Node & { parent: ts.ObjectLiteralExpression }) | undefined;
	getPropertySymbolsFromContextualType(
		property: ts.Node,
		checker: ts.TypeChecker,
		type: ts.Type,
		unionSymbolOk: boolean,
	): ts.Symbol[];
	SymbolDisplay: {
		getSymbolDisplayPartsDocumentationAndSymbolKind(
			checker: ts.TypeChecker,
			symbol: ts.Symbol,
			file: ts.SourceFile,
			container: ts.Node | undefined,
			location: ts.Node,
		): Pick<ts.QuickInfo, "displayParts" | "documentation" | "tags"> & { symbolKind: ts.ScriptElementKind };
		getSymbolModifiers(checker: ts.TypeChecker, symbol: ts.Symbol): string;
	};
	Completions: { getCompletionsAtPosition(...args: unknown[]): ts.CompletionInfo | undefined };
}

export const internalsOf = (ts: TypeScript) => ts as unknown as Internals;

/** What tslab's converter calls of its own TypeScript only. */
export const forkOf = (ts: TypeScript) => ({
	getNullTransformationContext: () => internalsOf(ts).nullTransformationContext,
	getDefaultTypeRoots: (folder: string) => ts.getEffectiveTypeRoots({}, { getCurrentDirectory: () => folder }),
	Completions: {
		getCompletionsAtPositionForTslab: (_: unknown, program: ts.Program, ...rest: unknown[]) => {
			const host = {
				...ts.sys,
				useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
				getCompilationSettings: () => program.getCompilerOptions(),
			};
			return internalsOf(ts).Completions.getCompletionsAtPosition(host, program, ...rest);
		},
	},
});

/** Returns the errors of some files of a program, and those of its options. */
export function errorsOfFiles(
	ts: TypeScript,
	program: ts.Program,
	files: readonly ts.SourceFile[],
): readonly ts.Diagnostic[] {
	return ts.sortAndDeduplicateDiagnostics([
		...program.getOptionsDiagnostics(),
		...program.getGlobalDiagnostics(),
		...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
	]);
}

/** The symbol of a name; that of an option in `f({ option: … })` is the one that the type of the parameter declares. */
export function symbolOf(ts: TypeScript, checker: ts.TypeChecker, name: ts.Node): ts.Symbol | undefined {
	const { getContainingObjectLiteralElement, getPropertySymbolsFromContextualType } = internalsOf(ts);
	const property = getContainingObjectLiteralElement(name);
	const type = property && checker.getContextualType(property.parent);
	const symbols = type ? getPropertySymbolsFromContextualType(property, checker, type, false) : [];
	return symbols.length === 1 ? symbols[0] : checker.getSymbolAtLocation(name);
}

/** Returns the type and the documentation of a name, as the language service does for a program of its own. */
export function quickInfoOf(ts: TypeScript, checker: ts.TypeChecker, name: ts.Node, symbol: ts.Symbol): ts.QuickInfo {
	const { getContainerNode, SymbolDisplay } = internalsOf(ts);
	const file = name.getSourceFile();
	const { symbolKind, ...info } = SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
		checker,
		symbol,
		file,
		getContainerNode(name),
		name,
	);
	const start = name.getStart(file);
	const textSpan = { start, length: name.end - start };
	return { kind: symbolKind, kindModifiers: SymbolDisplay.getSymbolModifiers(checker, symbol), textSpan, ...info };
}
