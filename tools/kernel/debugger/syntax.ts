// What the debugger reads from the syntax of code: where a breakpoint can stand, and what is caught.
import type ts from "typescript";
import type { TypeScript } from "../compile-cache";
import type { Position } from "./sources";

const parse = (ts: TypeScript, text: string, name = "code.ts") =>
	ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);

/**
 * Returns the places at which a breakpoint can stand, in their order: where a statement begins that does something, and
 * where the expression of an arrow function does.
 */
export function breakablePositions(ts: TypeScript, text: string): Position[] {
	const file = parse(ts, text);
	const positions: Position[] = [];
	const visit = (node: ts.Node): void => {
		if (isBreakable(ts, node)) {
			const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
			positions.push({ line: line + 1, column: character + 1 });
		}
		if (!isDeclaration(ts, node)) ts.forEachChild(node, visit);
	};
	ts.forEachChild(file, visit);
	return positions;
}

/** Whether a node exists for types only. */
const isDeclaration = (ts: TypeScript, node: ts.Node) =>
	ts.isInterfaceDeclaration(node) ||
	ts.isTypeNode(node) ||
	(ts.canHaveModifiers(node) &&
		ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) === true);

function isBreakable(ts: TypeScript, node: ts.Node): boolean {
	if (isDeclaration(ts, node)) return false;
	if (ts.isVariableStatement(node)) return node.declarationList.declarations.some(({ initializer }) => initializer);
	if (ts.isArrowFunction(node.parent) && node.parent.body === node) return !ts.isBlock(node);
	switch (node.kind) {
		case ts.SyntaxKind.ExpressionStatement:
		case ts.SyntaxKind.IfStatement:
		case ts.SyntaxKind.WhileStatement:
		case ts.SyntaxKind.ForStatement:
		case ts.SyntaxKind.ForInStatement:
		case ts.SyntaxKind.ForOfStatement:
		case ts.SyntaxKind.ReturnStatement:
		case ts.SyntaxKind.BreakStatement:
		case ts.SyntaxKind.ContinueStatement:
		case ts.SyntaxKind.ThrowStatement:
		case ts.SyntaxKind.SwitchStatement:
		case ts.SyntaxKind.DebuggerStatement:
			return true;
		default:
			return false;
	}
}

/** A part of a script, as offsets: the block of a `try` that has a `catch`, or a function. */
export type Region = [start: number, end: number, kind: "try" | "function" | "async function"];

/** Returns what decides where an exception goes, outer regions before inner ones. */
export function catchRegions(ts: TypeScript, javascript: string): Region[] {
	const regions: Region[] = [];
	const visit = (node: ts.Node): void => {
		const { pos, end } = node;
		if (ts.isFunctionLike(node)) {
			const isAsync = (ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.Async) !== 0;
			regions.push([pos, end, isAsync ? "async function" : "function"]);
		}
		if (
			ts.isBlock(node) &&
			ts.isTryStatement(node.parent) &&
			node.parent.tryBlock === node &&
			node.parent.catchClause
		) {
			regions.push([pos, end, "try"]);
		}
		ts.forEachChild(node, visit);
	};
	visit(parse(ts, javascript, "code.js"));
	return regions;
}
