// Declarations of earlier cells that tslab's converter forgets after the next one: namespaces, and what adds to the types of
// modules and of the global scope.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/**
 * Returns the text of the forgotten ones among the declarations of earlier cells.
 *
 * @param latest the declarations of this cell
 * @param names all names that this cell declares, which are not the earlier ones any more
 */
export function keptDeclarations(ts: TypeScript, earlier: string, latest: string, names: string[]): string {
	if (!/\b(namespace|module|global)\b/.test(earlier)) return "";
	const file = parse(ts, earlier);
	const declared = new Set([...names, ...parse(ts, latest).statements.flatMap((statement) => namesOf(ts, statement))]);
	return file.statements
		.filter(ts.isModuleDeclaration)
		.filter((declaration) => !namesOf(ts, declaration).some((name) => declared.has(name)))
		.map((declaration) => `${declaration.getText(file)}\n`)
		.join("");
}

const parse = (ts: TypeScript, text: string) => ts.createSourceFile("cells.d.ts", text, ts.ScriptTarget.Latest);

/** The names that a statement declares; for additions to a module, those in it, such as `"node:os" fake`. */
function namesOf(ts: TypeScript, statement: ts.Statement): string[] {
	if (ts.isVariableStatement(statement)) {
		return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
	}
	if (!ts.isModuleDeclaration(statement)) {
		const { name } = statement as ts.Statement & { name?: ts.Node };
		return name && ts.isIdentifier(name) ? [name.text] : [];
	}
	const { name, body, flags } = statement;
	const isAddition = ts.isStringLiteral(name) || (flags & ts.NodeFlags.GlobalAugmentation) !== 0;
	if (!isAddition) return [name.text];
	const statements = body && ts.isModuleBlock(body) ? [...body.statements] : [];
	return statements.flatMap((inner) => namesOf(ts, inner).map((declared) => `"${name.text}" ${declared}`));
}
