// Variables that `var` declares inside a statement, as in `for (var i = 0; …)`: they are the whole cell's, so later cells
// see them too.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import type { NotedFile } from "./internals";

/** Declarations of a cell's variables that TypeScript's own, of statements at the top, leave out. */
export function declareInnerVars(ts: TypeScript, checker: ts.TypeChecker, file: NotedFile): string {
	const isInner = (declaration: ts.Declaration) => {
		const list = ts.findAncestor(declaration, ts.isVariableDeclarationList);
		return list !== undefined && !(ts.isVariableStatement(list.parent) && list.parent.parent === file);
	};
	return [...(file.locals?.values() ?? [])]
		.filter(({ flags, declarations }) => flags & ts.SymbolFlags.FunctionScopedVariable && declarations?.every(isInner))
		.map((symbol) => {
			const type = checker.getTypeOfSymbolAtLocation(symbol, symbol.valueDeclaration as ts.Declaration);
			return `export declare let ${symbol.name}: ${checker.typeToString(type, file, ts.TypeFormatFlags.NoTruncation)};\n`;
		})
		.join("");
}
