// Exports in cells, by habit from modules.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/**
 * Replaces the exports of a cell, which shares all that it declares anyway; the converter would export the names a second
 * time. `export const x = 1` becomes a declaration, `export { a } from "b"` an import. Positions stay the same.
 */
export function withoutExports(ts: TypeScript, code: string): string {
	if (!/\bexport\b/.test(code)) return code;
	const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest);
	let result = code;
	for (const statement of file.statements) {
		for (const { start, end, text } of replacements(ts, file, statement)) {
			// Line breaks within an export stay too.
			const blank = code.slice(start + text.length, end).replace(/[^\r\n]/g, " ");
			result = result.slice(0, start) + text + blank + result.slice(end);
		}
	}
	return result;
}

/** What replaces parts of a statement, in no more characters. */
function replacements(ts: TypeScript, file: ts.SourceFile, statement: ts.Statement) {
	const start = statement.getStart(file);
	if (ts.isExportDeclaration(statement)) {
		if (!statement.moduleSpecifier) return [{ start, end: statement.end, text: "" }];
		// `export * from "b"` names nothing that a cell could use.
		return statement.exportClause ? [{ start, end: start + "export".length, text: "import" }] : [];
	}
	if (ts.isExportAssignment(statement)) return [{ start, end: statement.expression.getStart(file), text: "" }];
	const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
	return modifiers
		.filter(({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword)
		.map((modifier) => ({ start: modifier.getStart(file), end: modifier.end, text: "" }));
}
