// What only ES modules have: `import(…)`, `import.meta`, and `await` outside all functions.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/**
 * Replaces `import(name)` with `require.import(name)` and `import.meta` with `require.meta`: Node runs what is compiled here
 * as CommonJS, where the first finds no modules of the project, and the second is a syntax error. See `ProjectModules`.
 *
 * @param owner the object whose `require` it is
 */
export function replaceImports<Node extends ts.Node>(
	ts: TypeScript,
	root: Node,
	context: ts.TransformationContext,
	owner: string,
): Node {
	const { factory } = ts;
	const member = (name: string) =>
		factory.createPropertyAccessExpression(
			factory.createPropertyAccessExpression(factory.createIdentifier(owner), "require"),
			name,
		);
	const visit = (node: ts.Node): ts.Node => {
		if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return member("meta");
		const visited = ts.visitEachChild(node, visit, context);
		if (!ts.isCallExpression(visited) || visited.expression.kind !== ts.SyntaxKind.ImportKeyword) return visited;
		return factory.updateCallExpression(visited, member("import"), undefined, visited.arguments);
	};
	return ts.visitEachChild(root, visit, context);
}

/**
 * Returns the first node that waits outside all functions: `await x`, also with parentheses, `for await`, and
 * `await using`.
 */
export function topLevelAwait(ts: TypeScript, node: ts.Node): ts.Node | undefined {
	if (ts.isFunctionLike(node) || ts.isPropertyDeclaration(node)) return undefined;
	if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return node;
	if (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) === ts.NodeFlags.AwaitUsing)
		return node;
	return ts.forEachChild(node, (child) => topLevelAwait(ts, child));
}
