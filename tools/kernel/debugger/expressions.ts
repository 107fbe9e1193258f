// Expressions in the words of a cell or module: its imports, and variables of other cells, have other names in JavaScript.
import type ts from "typescript";
import { CELL_GLOBAL } from "../cell-transformer";
import type { TypeScript } from "../compile-cache";

/** Between the code and the expression. */
const MARK = '"tslab: expression";';

/**
 * Compiles TypeScript that is to be evaluated at some place of a file.
 *
 * @param text the file, whose imports the expression may name. Default: none
 * @param isShared whether cells share a variable of that name
 * @returns JavaScript
 * @throws SyntaxError if it is no TypeScript
 */
export function compileExpression(
	ts: TypeScript,
	expression: string,
	isShared: (name: string) => boolean,
	text = "",
): string {
	// A literal, not a block.
	const code = /^\s*\{/.test(expression) ? `(${expression})` : expression;
	const start = text.length + MARK.length + 2;
	const { outputText, diagnostics = [] } = ts.transpileModule(`${text}\n${MARK}\n${code}`, {
		compilerOptions: {
			module: ts.ModuleKind.CommonJS,
			esModuleInterop: true,
			target: ts.ScriptTarget.ES2022,
			removeComments: true,
		},
		reportDiagnostics: true,
		transformers: { before: [(context) => (file) => shareNames(ts, file, start, isShared, context)] },
	});
	const error = diagnostics.find((diagnostic) => (diagnostic.start ?? 0) >= start);
	if (error) throw new SyntaxError(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
	return outputText.slice(outputText.lastIndexOf(MARK) + MARK.length).trim();
}

/** Rewrites the names of other cells' variables from a position on. */
function shareNames(
	ts: TypeScript,
	file: ts.SourceFile,
	start: number,
	isShared: (name: string) => boolean,
	context: ts.TransformationContext,
): ts.SourceFile {
	const { factory } = context;
	const own = declaredNames(ts, file);
	const isOthers = (node: ts.Identifier) => isShared(node.text) && !own.has(node.text);
	const shared = (name: string) =>
		factory.createPropertyAccessExpression(
			factory.createPropertyAccessExpression(factory.createIdentifier(CELL_GLOBAL), "exports"),
			name,
		);
	const visit = (node: ts.Node): ts.Node => {
		if (ts.isShorthandPropertyAssignment(node) && isOthers(node.name)) {
			return factory.createPropertyAssignment(node.name.text, shared(node.name.text));
		}
		if (ts.isPropertyAccessExpression(node)) {
			return factory.updatePropertyAccessExpression(
				node,
				ts.visitNode(node.expression, visit) as ts.Expression,
				node.name,
			);
		}
		if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
			return factory.updatePropertyAssignment(node, node.name, ts.visitNode(node.initializer, visit) as ts.Expression);
		}
		if (ts.isIdentifier(node)) return isOthers(node) ? shared(node.text) : node;
		return ts.visitEachChild(node, visit, context);
	};
	const statements = file.statements.map((node) => (node.pos < start - 1 ? node : (visit(node) as ts.Statement)));
	return factory.updateSourceFile(file, statements);
}

/** All names that a file declares, wherever. */
function declaredNames(ts: TypeScript, file: ts.SourceFile): Set<string> {
	const names = new Set<string>();
	const visit = (node: ts.Node): void => {
		const { name } = node as { name?: ts.Node };
		const declares = ts.isImportClause(node) || ts.isNamespaceImport(node) || ts.isImportSpecifier(node);
		const isVariable = ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isParameter(node);
		const isNamed = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isEnumDeclaration(node);
		if (name && ts.isIdentifier(name) && (declares || isVariable || isNamed)) names.add(name.text);
		ts.forEachChild(node, visit);
	};
	visit(file);
	return names;
}
