// Errors as Jupyter shows them, with stacks that point into the TypeScript of cells and modules.
import { SourceMap } from "node:module";
import { inspect } from "node:util";
import type { Diagnostic } from "tslab/dist/converter";
import { withSpelling } from "./habits";

/** The content of an `error` message. */
export interface ErrorContent {
	ename: string;
	evalue: string;
	traceback: string[];
}

/** How to find the TypeScript of code that runs. */
interface Origin {
	sourceMaps: string[];
	/** The line, counted from 1, where the JavaScript of the source maps starts. */
	firstLine: number;
	/** Number of lines of that JavaScript. Default: all that follow */
	lines?: number;
	/** The file's name, as the user knows it. Default: the name of the code */
	source?: string;
}

/** A frame of the kernel, or of Node on behalf of it: what comes from here on is not the user's. */
const isKernel = (line: string) => /^\s+at /.test(line) && (line.includes("node:vm") || line.includes(__filename));
const isNodeInternal = (line: string) => /^\s+at .*node:internal/.test(line);

export class Stacks {
	private readonly origins = new Map<string, Origin>();

	/** @param name as it stands in stacks: `cell [1]`, or the path of a module */
	add(name: string, origin: Origin): void {
		this.origins.set(name, origin);
	}

	/** Describes what was thrown, with its stack down to where the kernel called the cell. */
	describe(thrown: unknown): ErrorContent {
		if (!(thrown instanceof Error)) {
			return { ename: "Error", evalue: String(thrown), traceback: [`Uncaught ${inspect(thrown)}`] };
		}
		const stack = String(thrown.stack || `${thrown.name}: ${thrown.message}`).split("\n");
		const end = stack.findIndex(isKernel);
		const evalue = withSpelling(thrown.message);
		const traceback = (end < 0 ? stack : stack.slice(0, end))
			.filter((line) => !isNodeInternal(line))
			.flatMap((line) => this.toSource(line) ?? []);
		return { ename: thrown.name, evalue, traceback };
	}

	/** Rewrites a line of a stack to its place in the TypeScript. Undefined for code that the kernel added. */
	private toSource(stackLine: string): string | undefined {
		const [place, name, line, column] = /(cell \[\d+\]|\/[^():]+\.js):(\d+):(\d+)/.exec(stackLine) ?? [""];
		const origin = this.origins.get(name);
		if (!origin) return stackLine;
		const { sourceMaps, firstLine, lines = Number.POSITIVE_INFINITY, source } = origin;
		let position = { line: Number(line) - firstLine, column: Number(column) - 1 };
		// After the cell's code comes the call of the function around it.
		if (position.line >= lines) return undefined;
		for (const map of sourceMaps) {
			const entry = new SourceMap(JSON.parse(map)).findEntry(position.line, position.column);
			if (!("originalLine" in entry) || entry.originalLine === undefined) return undefined;
			position = { line: entry.originalLine, column: entry.originalColumn };
		}
		// A cell starts with a line of the converter's; lines of files are counted from 1.
		const shown = position.line + (source ? 1 : 0);
		// Functions of earlier cells are called as properties.
		return stackLine.replace("at Object.", "at ").replace(place, `${source ?? name}:${shown}:${position.column + 1}`);
	}
}

/** The message of a type error and, for one in the cell, its line with the place underlined. */
function describeDiagnostic({ fileName, start, end, messageText }: Diagnostic, lines: string[]): string {
	const place = `${start.line + 1}:${start.character + 1}`;
	if (fileName) return `${fileName} ${place} - ${messageText}`;
	const line = lines[start.line] ?? "";
	const length = (end.line === start.line ? end.character : line.length) - start.character;
	const indent = line.slice(0, start.character).replace(/[^\t]/g, " ");
	return `${place} - ${messageText}\n    ${line}\n    ${indent}${"~".repeat(Math.max(1, length))}`;
}

/** The type errors of a cell. The message is the first one's, the stack has them all. */
export class TypeScriptError extends Error {
	constructor(diagnostics: Diagnostic[], code: string) {
		const lines = code.split("\n");
		const texts = diagnostics.map((diagnostic) => describeDiagnostic(diagnostic, lines));
		super(texts[0].split("\n")[0]);
		this.name = "TypeScriptError";
		this.stack = texts.join("\n");
	}
}
