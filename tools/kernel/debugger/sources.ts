// The TypeScript that the debugger knows, and where its lines are in the JavaScript that runs.
import { readFileSync } from "node:fs";
import type { TraceMap } from "@jridgewell/trace-mapping";
import type { Origin } from "../stacks";
import { cellPath } from "./cell-path";

/** A place in TypeScript, both counted from 1. */
export interface Position {
	line: number;
	column: number;
}

/** A place in a script, as V8 has it: both counted from 0. */
export interface ScriptPosition {
	lineNumber: number;
	columnNumber: number;
}

/** A place in a cell or in a module of the project. */
export interface Place extends Position {
	path: string;
	/** As the user knows it: `cell [1]`, or a module's path from the notebook. */
	name: string;
	/** The line's text. */
	text: string;
}

/** The scripts of a path: a cell has one for each time that it ran. */
export interface ScriptPlaces {
	script: string;
	/** For each position that was asked for. */
	places: (ScriptPosition | null)[];
}

/** "kernel" for code that the kernel added to a cell; null for a script of Node, of a package or of the kernel itself. */
export type Located = Place | "kernel" | null;

export const isPlace = (located: Located): located is Place => typeof located === "object" && located !== null;

/** Imports, and exports of what another module has. */
const IMPORT = /^\s*(import|export)\b[^;"'`]*\bfrom\b/gm;

/** Loaded when the debugger is. */
const mapping = () => require("@jridgewell/trace-mapping") as typeof import("@jridgewell/trace-mapping");

export class Sources {
	private readonly dumped = new Map<string, string>();
	private readonly maps = new WeakMap<Origin, TraceMap[]>();
	private readonly paths = new WeakMap<Origin, string>();
	private readonly seen = new WeakSet<Origin>();
	/** Whether a cell or module has had the statement `debugger`. */
	private haveStatement = false;

	/** @param origins by the names of their scripts */
	constructor(private readonly origins: ReadonlyMap<string, Origin>) {}

	/** Takes note of a cell before it runs, and returns its path. */
	dump(code: string): string {
		const path = cellPath(code);
		this.dumped.set(path, code);
		return path;
	}

	/** The modules of the project that have been loaded. */
	get modules(): { name: string; path: string }[] {
		return [...this.origins].flatMap(([script, origin]) =>
			origin.source === undefined ? [] : [{ name: origin.source, path: this.pathOf(script, origin) }],
		);
	}

	/** The scripts that are new since the last call, and whether any has the statement `debugger`. */
	fresh(): { scripts: string[]; haveStatement: boolean } {
		const fresh = [...this.origins].filter(([, origin]) => !this.seen.has(origin));
		for (const [, origin] of fresh) this.seen.add(origin);
		this.haveStatement ||= fresh.some(([script, origin]) => {
			const text = this.textAt(this.pathOf(script, origin));
			return text !== undefined && /\bdebugger\b/.test(text);
		});
		return { scripts: fresh.map(([script]) => script), haveStatement: this.haveStatement };
	}

	/** The TypeScript at a path; undefined if it is neither a cell nor a file. */
	textAt(path: string): string | undefined {
		const cell = this.dumped.get(path) ?? this.scriptsAt(path)[0]?.[1].text;
		if (cell !== undefined) return cell;
		try {
			return readFileSync(path, "utf8");
		} catch {
			return undefined;
		}
	}

	/**
	 * Finds places of TypeScript in the scripts that were made of it.
	 *
	 * @param among names of the scripts to look at. Default: all
	 */
	toScripts(path: string, positions: Position[], among?: string[]): ScriptPlaces[] {
		return this.scriptsAt(path)
			.filter(([script]) => among?.includes(script) ?? true)
			.map(([script, origin]) => ({ script, places: positions.map((position) => this.toScript(origin, position)) }));
	}

	/** Finds a place of a script in the TypeScript that it was made of. */
	toSource(script: string, { lineNumber, columnNumber }: ScriptPosition): Located {
		const origin = this.origins.get(script);
		if (!origin) return null;
		const { originalPositionFor, GREATEST_LOWER_BOUND, LEAST_UPPER_BOUND } = mapping();
		const { firstLine, lines = Number.POSITIVE_INFINITY, source } = origin;
		let line = lineNumber - firstLine + 2;
		let column = columnNumber;
		if (line < 1 || line > lines) return "kernel";
		for (const map of this.mapsOf(origin)) {
			const find = (bias: 1 | -1) => originalPositionFor(map, { line, column, bias });
			// What the kernel wrote at the beginning of a statement belongs to what follows.
			let original = find(GREATEST_LOWER_BOUND);
			if (original.line === null) original = find(LEAST_UPPER_BOUND);
			if (original.line === null) return "kernel";
			({ line, column } = original);
		}
		line -= linesBefore(origin);
		const path = this.pathOf(script, origin);
		const text = this.textAt(path)?.split("\n")[line - 1];
		// After a cell's own lines is one of the converter's too.
		if (text === undefined && source === undefined) return "kernel";
		return { path, name: source ?? script, line, column: column + 1, text: text ?? "" };
	}

	/** Whether a place is in the import, or in an export from another module. */
	isImport({ path, line }: Place): boolean {
		const text = this.textAt(path) ?? "";
		const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
		return [...text.matchAll(IMPORT)].some(
			({ index, 0: { length } }) => lineAt(index) <= line && line <= lineAt(index + length),
		);
	}

	private toScript(origin: Origin, { line, column }: Position): ScriptPosition | null {
		const { allGeneratedPositionsFor, LEAST_UPPER_BOUND } = mapping();
		let place = { line: line + linesBefore(origin), column: column - 1 };
		for (const map of [...this.mapsOf(origin)].reverse()) {
			const [source] = map.sources as string[];
			const generated = allGeneratedPositionsFor(map, { source, ...place, bias: LEAST_UPPER_BOUND });
			// What begins a statement has two, of which V8 knows the first.
			const [first] = generated.flatMap((each) => (each.line === null ? [] : [each])).sort(compare);
			if (!first) return null;
			place = first;
		}
		return { lineNumber: place.line + origin.firstLine - 2, columnNumber: place.column };
	}

	private scriptsAt(path: string): [script: string, origin: Origin][] {
		return [...this.origins].filter(([script, origin]) => this.pathOf(script, origin) === path);
	}

	private pathOf(script: string, origin: Origin): string {
		let path = this.paths.get(origin);
		if (path === undefined) {
			path = origin.text === undefined ? script.replace(/\.js$/, ".ts") : cellPath(origin.text);
			this.paths.set(origin, path);
		}
		return path;
	}

	private mapsOf(origin: Origin): TraceMap[] {
		let maps = this.maps.get(origin);
		if (!maps) {
			const { TraceMap } = mapping();
			maps = origin.sourceMaps.map((json) => new TraceMap(json));
			this.maps.set(origin, maps);
		}
		return maps;
	}
}

const compare = (a: Position, b: Position) => a.line - b.line || a.column - b.column;

/** Before a cell's own lines is one of the converter's. */
const linesBefore = ({ source }: Origin) => (source === undefined ? 1 : 0);
