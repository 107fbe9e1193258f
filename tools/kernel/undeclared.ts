// Variables that TypeScript cannot declare for later cells, since parts of their types have no name there: a function that
// returns an instance of its own class, a class without a name that has private members. They are no less right for that.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/** Returns the names that a cell declares where TypeScript could not write a declaration. */
export function undeclaredNames(ts: TypeScript, file: ts.SourceFile, errors: readonly ts.Diagnostic[]): string[] {
	return errors.flatMap(({ start = 0 }) => {
		const isThere = (node: ts.Node) => node.pos <= start && start < node.end;
		const statement = file.statements.find(isThere);
		if (!statement) return [];
		if (!ts.isVariableStatement(statement)) return nameOf(ts, statement) ?? [];
		return statement.declarationList.declarations.filter(isThere).flatMap(({ name }) => boundNames(ts, name));
	});
}

function nameOf(ts: TypeScript, statement: ts.Statement): string | undefined {
	const { name } = statement as ts.Statement & { name?: ts.Node };
	return name && ts.isIdentifier(name) ? name.text : undefined;
}

function boundNames(ts: TypeScript, name: ts.BindingName): string[] {
	if (ts.isIdentifier(name)) return [name.text];
	return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(ts, element.name) : []));
}

/**
 * Returns declarations of these names for later cells: as `any`, but a module that was awaited as a whole as that module.
 *
 * @param declared the declarations of the cell's other names, among which some of these may be
 */
export function declareNames(
	ts: TypeScript,
	checker: ts.TypeChecker,
	file: ts.SourceFile,
	names: Iterable<string>,
	declared: string,
): string {
	const types = awaitedModules(ts, checker, file);
	const known = new Set(
		ts
			.createSourceFile("cell.d.ts", declared, ts.ScriptTarget.Latest)
			.statements.map((statement) => nameOf(ts, statement)),
	);
	return [...names]
		.filter((name) => !known.has(name))
		.map((name) => `export declare let ${name}: ${types.get(name) ?? "any"};\n`)
		.join("");
}

/** The types of variables such as `const fs = await import("node:fs")`, by name: to a CommonJS module a default is added. */
function awaitedModules(ts: TypeScript, checker: ts.TypeChecker, file: ts.SourceFile): Map<string, string> {
	const types = new Map<string, string>();
	const declarations = file.statements
		.filter(ts.isVariableStatement)
		.flatMap((statement) => [...statement.declarationList.declarations]);
	for (const { name, initializer } of declarations) {
		if (!ts.isIdentifier(name) || !initializer || !ts.isAwaitExpression(initializer)) continue;
		const { expression } = initializer;
		if (!ts.isCallExpression(expression) || expression.expression.kind !== ts.SyntaxKind.ImportKeyword) continue;
		const [specifier] = expression.arguments;
		if (!specifier || !ts.isStringLiteral(specifier)) continue;
		const module = `typeof import(${JSON.stringify(specifier.text)})`;
		const hasDefault = checker.getSymbolAtLocation(specifier)?.exports?.has(ts.InternalSymbolName.Default);
		types.set(name.text, hasDefault ? module : `${module} & { default: ${module} }`);
	}
	return types;
}
