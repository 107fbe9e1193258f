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
export interface Origin {
	sourceMaps: string[];
	/** The line, counted from 1, where the JavaScript of the source maps starts. */
	firstLine: number;
	/** Number of lines of that JavaScript. Default: all that follow */
	lines?: number;
	/** The file's name, as the user knows it. Default: the name of the code */
	source?: string;
	/** The TypeScript of a cell. */
	text?: string;
}

/** A place in TypeScript: `cell [1]` or the path of a module, line and column. */
export interface Place {
	source: string;
	line: number;
	column: number;
}

/** The place in a frame: a cell or a file, line and column. */
const PLACE = /(cell \[\d+\]|\/[^():]+\.js):(\d+):(\d+)/;

const isKernel = (frame: string) => frame.includes("node:vm") || frame.includes(__filename);
const isNodeInternal = (frame: string) => frame.includes("node:internal");

export class Stacks {
	/** By the names of the code in stacks. */
	readonly origins = new Map<string, Origin>();
	private readonly maps = new Map<string, SourceMap>();

	/** @param name as it stands in stacks: `cell [1]`, or the path of a module */
	add(name: string, origin: Origin): void {
		this.origins.set(name, origin);
	}

	/** From now on the stacks of all errors point into TypeScript, wherever they are shown. */
	install(): void {
		// https://v8.dev/docs/stack-trace-api#customizing-stack-traces
		Error.prepareStackTrace = (error, frames) => {
			const lines = this.toSources(frames.map(String)).map((frame) => `\n    at ${frame}`);
			return headOf(error) + lines.join("");
		};
	}

	/** Describes what was thrown, with its stack down to where the kernel called the cell. */
	describe(thrown: unknown): ErrorContent {
		if (!(thrown instanceof Error)) {
			return { ename: "Error", evalue: String(thrown), traceback: [`Uncaught ${inspect(thrown)}`] };
		}
		const stack = String(thrown.stack || `${thrown.name}: ${thrown.message}`);
		const cause = thrown.cause instanceof Error ? `\nCaused by ${inspect(thrown.cause)}` : "";
		const traceback = (stack + cause).split("\n");
		return { ename: thrown.name, evalue: withSpelling(thrown.message), traceback };
	}

	/** The frames of a stack as they are in the TypeScript, down to the last one of a cell or module. */
	private toSources(frames: string[]): string[] {
		const last = frames.findLastIndex((frame) => this.origins.has(PLACE.exec(frame)?.[1] ?? ""));
		// Without one, it may be an error of the kernel's own.
		const users = last < 0 ? frames : frames.slice(0, last + 1).filter((frame) => !isKernel(frame));
		return users.filter((frame) => !isNodeInternal(frame)).flatMap((frame) => this.toSource(frame) ?? []);
	}

	/** Rewrites a frame to its place in the TypeScript. Undefined for code that the kernel added. */
	private toSource(frame: string): string | undefined {
		const [place, name, line, column] = PLACE.exec(frame) ?? [""];
		if (!this.origins.has(name)) return frame;
		const found = this.placeOf(name, Number(line), Number(column));
		// Functions of earlier cells are called as properties.
		const caller = frame.replace(/^(async )?Object\./, "$1");
		return found && caller.replace(place, `${found.source}:${found.line}:${found.column}`);
	}

	/**
	 * Returns the place in TypeScript of a place in JavaScript. Undefined for code that the kernel added, or that is not the
	 * user's.
	 *
	 * @param name as in `add`
	 * @param line counted from 1, as all lines and columns here
	 */
	placeOf(name: string, line: number, column: number): Place | undefined {
		const origin = this.origins.get(name);
		if (!origin) return undefined;
		const { sourceMaps, firstLine, lines = Number.POSITIVE_INFINITY, source } = origin;
		let position = { line: line - firstLine, column: column - 1 };
		// After the cell's code comes the call of the function around it.
		if (position.line >= lines) return undefined;
		for (const map of sourceMaps) {
			const entry = this.mapOf(map).findEntry(position.line, position.column);
			if (!("originalLine" in entry) || entry.originalLine === undefined) return undefined;
			position = { line: entry.originalLine, column: entry.originalColumn };
		}
		// A cell starts with a line of the converter's; lines of files are counted from 1.
		return { source: source ?? name, line: position.line + (source ? 1 : 0), column: position.column + 1 };
	}

	private mapOf(json: string): SourceMap {
		const map = this.maps.get(json) ?? new SourceMap(JSON.parse(json));
		this.maps.set(json, map);
		return map;
	}
}

/** An error's name and message, which begin its stack. */
function headOf(error: Error): string {
	try {
		return Error.prototype.toString.call(error);
	} catch (cause) {
		// As V8 does for one whose message cannot be read.
		return `<error: ${cause}>`;
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
