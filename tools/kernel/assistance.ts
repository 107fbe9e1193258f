// Help with typing: whether a cell is complete, documentation, completion.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import type { Executor } from "./executor";
import { enclosingCall, toMarkdown, toText } from "./inspect";
import { completeDirective, describeDirective } from "./profile/directives";

/** The content of an `is_complete_reply`. https://jupyter-client.readthedocs.io/en/stable/messaging.html#code-completeness */
type Completeness = { status: "complete" | "invalid" } | { status: "incomplete"; indent: string };

/** TypeScript's error of a template that does not end. */
const UNTERMINATED_TEMPLATE = 1160;

/** Tells whether a console may run code, or its line is continued. Two empty lines at the end run it in any case. */
export function completenessOf(ts: TypeScript, code: string): Completeness {
	const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest);
	const { parseDiagnostics } = file as ts.SourceFile & { parseDiagnostics: ts.DiagnosticWithLocation[] };
	if (parseDiagnostics.length === 0) return { status: "complete" };
	const end = code.trimEnd().length;
	const isOpen = parseDiagnostics.some(
		({ start, code, messageText }) =>
			start >= end && (code === UNTERMINATED_TEMPLATE || /expected\.$/.test(String(messageText))),
	);
	if (!isOpen || /\n\s*\n\s*$/.test(code)) return { status: "invalid" };
	const [line] = /[^\n]*$/.exec(code) as RegExpExecArray;
	const [indent] = /^\s*/.exec(line) as RegExpExecArray;
	return { status: "incomplete", indent: /[([{]\s*$/.test(line) ? `${indent}  ` : indent };
}

/** Jupyter counts characters, JavaScript the halves of some. */
const toIndex = (code: string, position: number) => [...code].slice(0, position).join("").length;
const toPosition = (code: string, index: number) => [...code.slice(0, index)].length;

/**
 * Returns the content of an `inspect_reply`.
 *
 * @param cursor position in the code, in characters
 */
export function inspectionOf(executor: Executor, code: string, cursor: number): object {
	const position = toIndex(code, cursor);
	const directive = describeDirective(code, position);
	if (directive) return { status: "ok", found: true, data: { "text/plain": directive }, metadata: {} };
	const call = enclosingCall(code, position);
	const info = executor.inspect(code, position) ?? (call === undefined ? undefined : executor.inspect(code, call));
	const data = info ? { "text/plain": toText(info), "text/markdown": toMarkdown(info) } : {};
	return { status: "ok", found: info !== undefined, data, metadata: {} };
}

/**
 * Returns the content of a `complete_reply`.
 *
 * @param cursor position in the code, in characters
 */
export function completionOf(executor: Executor, code: string, cursor: number): object {
	const position = toIndex(code, cursor);
	const completion = completeDirective(code, position) ?? executor.complete(code, position);
	const { candidates } = completion;
	const [start, end] = [completion.start, completion.end].map((index) => toPosition(code, index));
	const kinds = new Map<string, string>(completion.original?.entries.map(({ name, kind }) => [name, kind]));
	// JupyterLab shows the kinds next to the names.
	const types = candidates.map((text) => ({ text, type: kinds.get(text) ?? "", start, end }));
	const metadata = { _jupyter_types_experimental: types };
	return { status: "ok", matches: candidates, cursor_start: start, cursor_end: end, metadata };
}
