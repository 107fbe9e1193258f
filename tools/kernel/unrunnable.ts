// What TypeScript accepts and Node does not run, since it gets CommonJS: these are type errors, with what to do.
import type ts from "typescript";
import { CELL_GLOBAL, variablesOf } from "./cell-transformer";
import type { TypeScript } from "./compile-cache";
import { topLevelAwait } from "./es-syntax";
import type { NotedFile } from "./internals";

/** Names that the code around a cell, and Node's around a module, declare in the same scope. */
const RESERVED = {
	cell: new Set(["exports", "require", CELL_GLOBAL]),
	module: new Set(["exports", "require", "module", "__filename", "__dirname"]),
};

/** The number of TypeScript's error of a name that modules have already. */
const RESERVED_NAME = 2441;
/** The number of TypeScript's error of an `await` outside all functions. */
const TOP_LEVEL_AWAIT = 1378;

/** Returns the errors of a file that keep it from running. */
export function unrunnable(ts: TypeScript, file: NotedFile, kind: keyof typeof RESERVED): ts.Diagnostic[] {
	const error = (node: ts.Node, code: number, messageText: string): ts.Diagnostic => {
		const start = node.getStart(file);
		return { file, start, length: node.end - start, category: ts.DiagnosticCategory.Error, code, messageText };
	};
	const reserved = variablesOf(ts, file).filter(({ name }) => RESERVED[kind].has(name));
	const errors = reserved.map(({ name }) => {
		const { valueDeclaration } = file.locals!.get(ts.escapeLeadingUnderscores(name))!;
		const node = ts.getNameOfDeclaration(valueDeclaration) ?? file;
		return error(
			node,
			RESERVED_NAME,
			`A ${kind} has '${name}' already: leave its declaration out, or choose another name.`,
		);
	});
	const waiting = kind === "module" && topLevelAwait(ts, file);
	if (!waiting) return errors;
	const advice =
		"Outside functions 'await' works in cells only: export an async function, and await its call in a cell.";
	return [...errors, error(waiting, TOP_LEVEL_AWAIT, advice)];
}
