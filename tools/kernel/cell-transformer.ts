// Rewrites a cell's code between TypeScript and JavaScript: variables of earlier cells, interrupts, the last expression.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import { replaceImports, topLevelAwait } from "./es-syntax";
import { internalsOf, type NotedFile } from "./internals";

/** A variable, function, class, enum or namespace that a cell declares at its top. */
export interface CellVariable {
	name: string;
	isConst: boolean;
}

/** The global object by which a cell's code reaches the kernel. */
export const CELL_GLOBAL = "__tslab__";

/** The variables that a file declares at its top and that exist in JavaScript: no `declare`, types and imports. */
export function variablesOf(ts: TypeScript, { locals }: NotedFile): CellVariable[] {
	return [...(locals?.values() ?? [])].flatMap(({ flags, valueDeclaration, escapedName }) => {
		if (!(flags & ts.SymbolFlags.Value) || !valueDeclaration || !isEmitted(ts, valueDeclaration)) return [];
		const isVariable = (flags & ts.SymbolFlags.Variable) !== 0;
		const isConst = !isVariable || (ts.getCombinedNodeFlags(valueDeclaration) & ts.NodeFlags.Const) !== 0;
		return [{ name: ts.unescapeLeadingUnderscores(escapedName), isConst }];
	});
}

function isEmitted(ts: TypeScript, declaration: ts.Declaration): boolean {
	if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient) return false;
	return (
		ts.isVariableDeclaration(declaration) ||
		ts.isBindingElement(declaration) ||
		ts.isFunctionDeclaration(declaration) ||
		ts.isClassDeclaration(declaration) ||
		ts.isEnumDeclaration(declaration) ||
		ts.isModuleDeclaration(declaration)
	);
}

/** Whether a statement leaves nothing in JavaScript, or only an export of the converter's. */
const isErased = (ts: TypeScript, statement: ts.Statement) =>
	ts.isExportDeclaration(statement) ||
	ts.isInterfaceDeclaration(statement) ||
	ts.isTypeAliasDeclaration(statement) ||
	(ts.canHaveModifiers(statement) &&
		ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) === true);

export class CellTransformer {
	/** The variable that holds the value of the cell's last expression; undefined if it ends with another statement. */
	lastExpression: string | undefined;
	private readonly context: ts.TransformationContext;

	/**
	 * @param earlier the declarations of the earlier cells
	 * @param variables those of this cell
	 */
	constructor(
		private readonly ts: TypeScript,
		private readonly checker: ts.TypeChecker,
		private readonly earlier: ts.SourceFile | undefined,
		private readonly variables: CellVariable[],
	) {
		this.context = internalsOf(ts).nullTransformationContext;
	}

	/** Rewrites the TypeScript of a whole cell. Its last statement is no longer the last one when there is a `using`. */
	before(cell: ts.SourceFile): ts.SourceFile {
		return this.storeLastExpression(cell);
	}

	/** Rewrites the JavaScript of a whole cell. */
	after(cell: ts.SourceFile): ts.SourceFile {
		let result = this.visitChildren(cell, this.replaceEarlier);
		// A cell that never awaits is interrupted by Node.
		if (topLevelAwait(this.ts, result)) result = this.visitChildren(result, this.addCheckpoints);
		result = this.visitChildren(result, this.keepImportsExported);
		return replaceImports(this.ts, result, this.context, CELL_GLOBAL);
	}

	private visitChildren<T extends ts.Node>(node: T, visitor: ts.Visitor): T {
		return this.ts.visitEachChild(node, visitor, this.context);
	}

	private isEarlier(symbol: ts.Symbol | undefined): boolean {
		return symbol?.declarations?.some((declaration) => declaration.getSourceFile() === this.earlier) ?? false;
	}

	/** `__tslab__.exports.name`: not `exports`, which is a slow proxy in a cell. */
	private exported(name: ts.Identifier): ts.Expression {
		const { factory } = this.ts;
		const exports = factory.createPropertyAccessExpression(factory.createIdentifier(CELL_GLOBAL), "exports");
		return factory.createPropertyAccessExpression(exports, name);
	}

	private readonly replaceEarlier = (node: ts.Node): ts.Node => {
		const { ts, checker } = this;
		if (ts.isShorthandPropertyAssignment(node)) return this.replaceShorthand(node);
		// In `const { y: z } = point` the property name `y` is not a variable.
		if (ts.isBindingElement(node) && node.propertyName && ts.isIdentifier(node.propertyName)) {
			const { propertyName } = node;
			return this.visitChildren(node, (child) => (child === propertyName ? child : this.replaceEarlier(child)));
		}
		if (!ts.isIdentifier(node)) return this.visitChildren(node, this.replaceEarlier);
		const { parent } = node;
		if (parent && ts.isPropertyAccessExpression(parent) && parent.name === node) return node;
		return this.isEarlier(checker.getSymbolAtLocation(node)) ? this.exported(node) : node;
	};

	/** `{ name }` stands for `{ name: __tslab__.exports.name }`, in literals and in assignment patterns. */
	private replaceShorthand(node: ts.ShorthandPropertyAssignment): ts.Node {
		const { ts, checker } = this;
		const { name, objectAssignmentInitializer: fallback } = node;
		if (!this.isEarlier(checker.getShorthandAssignmentValueSymbol(ts.getOriginalNode(node)))) {
			return this.visitChildren(node, (child) => (child === name ? child : this.replaceEarlier(child)));
		}
		const value = this.exported(name);
		const replaced = fallback && (this.replaceEarlier(fallback) as ts.Expression);
		return ts.factory.createPropertyAssignment(
			ts.factory.createIdentifier(name.text),
			replaced ? ts.factory.createAssignment(value, replaced) : value,
		);
	}

	/** Calls a function of the kernel before each `await` and in each round of a loop, where an interrupted cell ends. */
	private readonly addCheckpoints = (original: ts.Node): ts.Node => {
		const { ts } = this;
		const { factory } = ts;
		const node = this.visitChildren(original, this.addCheckpoints);
		const call = (name: "checkpoint" | "checkLoop") => {
			const callee = factory.createPropertyAccessExpression(factory.createIdentifier(CELL_GLOBAL), name);
			return factory.createCallExpression(callee, undefined, []);
		};
		if (ts.isAwaitExpression(node)) {
			const both = factory.createComma(call("checkpoint"), node.expression);
			return factory.updateAwaitExpression(node, factory.createParenthesizedExpression(both));
		}
		if (ts.isIterationStatement(node, false)) {
			const awaits = ts.isForOfStatement(node) && node.awaitModifier;
			const check = factory.createExpressionStatement(call(awaits ? "checkpoint" : "checkLoop"));
			const body = factory.createBlock([check, node.statement]);
			return this.visitChildren(node, (child) => (child === node.statement ? body : child));
		}
		return node;
	};

	/** The converter exports all names of a cell; an export of a variable would be written at each assignment. */
	private readonly keepImportsExported = (node: ts.Node): ts.Node | undefined => {
		const { ts } = this;
		if (!ts.isExportDeclaration(node) || node.moduleSpecifier) return node;
		if (!node.exportClause || !ts.isNamedExports(node.exportClause)) return node;
		const imported = node.exportClause.elements.filter(({ name }) => !this.variables.some((v) => v.name === name.text));
		if (imported.length === 0) return undefined;
		const clause = ts.factory.updateNamedExports(node.exportClause, imported);
		return ts.factory.updateExportDeclaration(node, node.modifiers, node.isTypeOnly, clause, undefined, undefined);
	};

	private storeLastExpression(cell: ts.SourceFile): ts.SourceFile {
		const { ts } = this;
		const { factory } = ts;
		const statements = [...cell.statements];
		const index = statements.findLastIndex((statement) => !isErased(ts, statement));
		const last = statements[index];
		if (!last || !ts.isExpressionStatement(last)) return cell;
		this.lastExpression = this.unusedName(cell);
		const value = this.exported(factory.createIdentifier(this.lastExpression));
		const assignment = factory.createExpressionStatement(factory.createAssignment(value, last.expression));
		// So that a debugger can stop there.
		statements[index] = ts.setSourceMapRange(assignment, last);
		return factory.updateSourceFile(cell, statements);
	}

	private unusedName({ locals }: NotedFile): string {
		let name = "tsLastExpr";
		for (let i = 0; locals?.has(name as ts.__String); i++) name = `tsLastExpr${i}`;
		return name;
	}
}
