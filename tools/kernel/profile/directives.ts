// What the first line of a cell can ask for, as a comment: `// %time` and `// %profile`.
import type { CompletionInfo } from "tslab/dist/converter";

/** What each shows after the cell. */
const DIRECTIVES = {
	time: "Shows the wall time and the CPU time of the cell.",
	profile:
		"Shows in which functions the cell spends its time, with lines of TypeScript, TensorFlow's share and a flame graph.",
};

export type Directive = keyof typeof DIRECTIVES;

/** Returns what the first line of a cell asks for. */
export function directiveOf(code: string): Directive | undefined {
	const [, name] = /^\s*\/\/\s*%%?(time|profile)\b/.exec(code) ?? [];
	return name as Directive | undefined;
}

/** The one that is begun before a position in the first line, from its `%`. */
const begunAt = (code: string, position: number) => /^\s*\/\/\s*(%\w*)$/.exec(code.slice(0, position))?.[1];

/** Returns those that complete what is begun before a position. Undefined elsewhere. */
export function completeDirective(code: string, position: number): CompletionInfo | undefined {
	const begun = begunAt(code, position);
	if (begun === undefined) return undefined;
	const candidates = Object.keys(DIRECTIVES)
		.map((name) => `%${name}`)
		.filter((text) => text.startsWith(begun));
	return { start: position - begun.length, end: position, candidates };
}

/** Returns what the one around a position shows. Undefined elsewhere. */
export function describeDirective(code: string, position: number): string | undefined {
	const rest = /^\w*/.exec(code.slice(position)) as RegExpExecArray;
	const name = begunAt(code, position + rest[0].length)?.slice(1);
	return name && Object.hasOwn(DIRECTIVES, name) ? `// %${name}\n\n${DIRECTIVES[name as Directive]}` : undefined;
}
