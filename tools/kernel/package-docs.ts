// Most of Node's types is documentation, whose parsing takes as long as that of the types. So the documentation of
// packages is hidden from the parser until somebody asks for it.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import { isPackageTypes } from "./package-paths";

/** A node with what the parser adds to it. */
type Documented = ts.Node & { jsDoc?: { parent: ts.Node }[] };

/** Makes JSDoc comments ordinary ones of the same length. Deprecations are more than documentation: they stay. */
export function hideDocs(text: string): string {
	return text.replace(/^[ \t]*\/\*\*(?!\/)[\s\S]*?\*\//gm, (comment) =>
		comment.includes("@deprecated") ? comment : comment.replace("/**", "/*-"),
	);
}

/** Brings hidden documentation back. */
export class PackageDocs {
	private readonly shown = new WeakSet<ts.SourceFile>();

	constructor(private readonly ts: TypeScript) {}

	/** Gives a symbol its documentation, and that of what it inherits from. */
	show(checker: ts.TypeChecker, symbol: ts.Symbol): void {
		const { ts } = this;
		for (const declaration of symbol.declarations ?? []) {
			this.showFile(declaration.getSourceFile());
			const owner = declaration.parent;
			if (!ts.isClassLike(owner) && !ts.isInterfaceDeclaration(owner)) continue;
			for (const { types } of owner.heritageClauses ?? []) {
				for (const type of types) {
					const inherited = checker.getTypeAtLocation(type).getProperty(symbol.name);
					if (inherited && inherited !== symbol) this.show(checker, inherited);
				}
			}
		}
	}

	private showFile(file: ts.SourceFile): void {
		if (!isPackageTypes(file.fileName) || this.shown.has(file)) return;
		this.shown.add(file);
		const text = this.ts.sys.readFile(file.fileName) ?? file.text;
		this.copy(this.ts.createSourceFile(file.fileName, text, file.languageVersion, true), file);
	}

	/** `from` and `to` are the same nodes, parsed with and without documentation. */
	private copy(from: Documented, to: Documented): void {
		if (from.jsDoc) {
			to.jsDoc = from.jsDoc;
			for (const doc of from.jsDoc) doc.parent = to;
		}
		const children: ts.Node[] = [];
		this.ts.forEachChild(from, (child) => void children.push(child));
		let i = 0;
		this.ts.forEachChild(to, (child) => this.copy(children[i++], child));
	}
}
