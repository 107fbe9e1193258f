// What people write into a cell by habit from Python and IPython, and what does the same here.
import type { Diagnostic } from "tslab/dist/converter";

/** What to do instead of some magics. */
const INSTEAD: [magics: RegExp, advice: string][] = [
	[/^(time|timeit)$/, "Write // %time as the cell's first line: it shows the wall time and the CPU time."],
	[/^(prun|profile|lprun|mprun)$/, "Write // %profile as the cell's first line: it shows the hottest functions."],
	[/^matplotlib$/, 'Leave it out: showFigure of "../src/display" shows figures.'],
	[
		/^(load_ext|reload_ext|autoreload|aimport)$/,
		"Leave it out: a cell that imports a changed file again gets the change.",
	],
	[/^(pip|conda|mamba|npm)$/, "Install packages in a terminal: npm install NAME."],
	[/^cd$/, 'Write process.chdir("FOLDER").'],
	[/^pwd$/, "Write process.cwd()."],
	[/^(env|set_env)$/, "Write process.env.NAME."],
	[/^run$/, 'Write import "./FILE".'],
	[/^(html|HTML|svg|SVG|markdown|javascript|js)$/, 'Write import { display } from "tslab"; display.html("…").'],
	[/^(writefile|file)$/, 'Write import { writeFileSync } from "node:fs"; writeFileSync("FILE", `…`).'],
	[/^(bash|sh|system|sx|ls|cat|cp|mv|rm|mkdir)$/, runAdvice("COMMAND")],
];
const OTHERWISE = "Write the same in TypeScript, or leave it out.";

function runAdvice(command: string): string {
	return `Write import { execSync } from "node:child_process"; console.log(String(execSync(${JSON.stringify(command)}))).`;
}

/** What to write instead of some lines of Python. */
const PYTHON: [line: RegExp, advice: string][] = [
	[/^\s*for\s.+:\s*(#.*)?$/, "A loop: for (const x of list) { … }."],
	[
		/^\s*(if|elif|else|while|with|try|except|finally)\b.*:\s*(#.*)?$/,
		"Blocks stand in braces: if (x > 0) { … } else { … }.",
	],
	[/^\s*(async\s+)?def\s/, "A function: function f(x: number) { return x + 1; }."],
	[/^\s*class\s.+:\s*(#.*)?$/, "A class: class A extends B { … }."],
	[
		/^\s*from\s+[\w.]+\s+import\s|^\s*import\s+[\w.]+(\s+as\s+\w+)?\s*(#.*)?$/,
		'An import: import { name } from "package".',
	],
	[/^\s*print\(/, "console.log(…) prints."],
	[/(^|[=(,:[\s])(True|False|None)\b/, "The constants are true, false and null."],
	[/\b(and|or|not)\s/, "The operators are && and || and !."],
	[/\[[^\]]+\sfor\s.+\sin\s/, "A list from another: list.map((x) => …), list.filter((x) => …)."],
	[/^\s*#/, "A comment begins with //."],
	[/\(.*\b\w+\s*=(?![=>]).*\)/, "Arguments with names stand in an object: f(x, { epochs: 5 })."],
	[/^\s*[A-Za-z_]\w*\s*=(?!=)/, "A variable is declared: const x = …, or let x = … if it changes."],
];

const NAME = String.raw`[A-Za-z_$][\w$.]*`;
const MAGIC = /^\s*(%%?([A-Za-z_]\w*))/;
const COMMAND = /^\s*!!?\s*([A-Za-z./~].*?)\s*$/;
const HELP = new RegExp(String.raw`^\s*(?:\?\??\s*(${NAME})|(${NAME})\s*\?\??)\s*$`);

/** What to write instead of a line of Python. Undefined for other lines. */
function pythonAdvice(line: string): string | undefined {
	const advice = PYTHON.find(([python]) => python.test(line))?.[1];
	return advice && `In TypeScript: ${advice}`;
}

/** What to do instead of a line in IPython's syntax. Undefined for other lines. */
function adviceFor(line: string): string | undefined {
	const [, magic, name] = MAGIC.exec(line) ?? [];
	if (magic) {
		const advice = INSTEAD.find(([names]) => names.test(name))?.[1] ?? OTHERWISE;
		return `${magic} is a magic of IPython, and this is TypeScript. ${advice}`;
	}
	const [, command] = COMMAND.exec(line) ?? [];
	if (command) {
		const installs = /^(\S*python\S* -m )?(pip3?|conda|mamba|npm)\b/.test(command);
		const advice = installs ? "Install packages in a terminal: npm install NAME." : runAdvice(command);
		return `!COMMAND is IPython's, and this is TypeScript. ${advice}`;
	}
	const [, before, after] = HELP.exec(line) ?? [];
	if (before ?? after)
		return `? is IPython's, and this is TypeScript. For help on ${before ?? after}, press Shift+Tab in its name.`;
	return undefined;
}

/** TypeScript's errors of a name that is not there, or of `import a as b`. Its syntax errors are those below 2000. */
const NO_NAME = new Set([2303, 2304, 2552, 18004]);

/**
 * The errors of a cell: those that come of a line in IPython's syntax are replaced with what to do instead, which is added
 * to the first that comes of Python's.
 *
 * @param errors none, or those of the compiler
 */
export function withHabitAdvice(errors: Diagnostic[], code: string): Diagnostic[] {
	const lines = code.split("\n");
	const last = lines.findLastIndex((line) => line.trim() !== "");
	// A line's error stands in it; that of `x?`, for TypeScript the beginning of `x ? a : b`, stands where the cell ends.
	const isCause = (line: number, { fileName, start }: Diagnostic) =>
		!fileName && (line === start.line || (line === last && start.line > last));
	for (const [i, line] of lines.entries()) {
		const error = errors.find((error) => isCause(i, error));
		const advice = error && adviceFor(line);
		if (!advice) continue;
		// Alone, `!name` may be meant as it is.
		const isMeant = /^\s*![\w$.]+;?\s*$/.test(line);
		const start = { ...error.start, line: i, character: line.search(/\S/) };
		const end = { ...start, character: line.trimEnd().length };
		return [{ ...error, start, end, messageText: isMeant ? `${error.messageText} ${advice}` : advice }];
	}
	const [first, ...others] = errors;
	const isPython = first && !first.fileName && (first.code < 2000 || NO_NAME.has(first.code));
	const advice = isPython && pythonAdvice(lines[first.start.line] ?? "");
	return advice ? [{ ...first, messageText: `${first.messageText} ${advice}` }, ...others] : errors;
}

/** Adds to an error such as "Unknown loss mean_squared_error" how TensorFlow.js spells Keras's names. */
export function withSpelling(message: string): string {
	const [, name] = /^Unknown [^_]*?\b([a-z0-9]+(?:_[a-z0-9]+)+)$/.exec(message) ?? [];
	return name ? `${message}: did you mean ${name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())}?` : message;
}
