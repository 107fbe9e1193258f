// Exports in cells: those by habit from modules, and those that the converter adds.
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

/**
 * Corrects the list of exports that the converter adds to a cell. It writes names as the compiler keeps them: those that begin
 * with two underscores with a third one, and `declare global` as one of them.
 *
 * @param text what the converter compiles
 * @param except names that are not exported
 */
export function withExports(text: string, except: Set<string>): string {
	return text.replace(/\nexport \{([^{}]*)\}$/, (_, list: string) => {
		const names = list.split(", ").filter((name) => !/^__[^_]/.test(name));
		const exported = names.map((name) => name.replace(/^___/, "__")).filter((name) => !except.has(name));
		return `\nexport {${exported.join(", ")}}`;
	});
}
