// What people write into a cell by habit from IPython, and what does the same here.
import type { Diagnostic } from "tslab/dist/converter";

/** What to do instead of some magics. */
const INSTEAD: [magics: RegExp, advice: string][] = [
	[/^(time|timeit|prun)$/, 'To measure: console.time("cell") before the code, console.timeEnd("cell") after it.'],
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

const NAME = String.raw`[A-Za-z_$][\w$.]*`;
const MAGIC = /^\s*(%%?([A-Za-z_]\w*))/;
const COMMAND = /^\s*!!?\s*([A-Za-z./~].*?)\s*$/;
const HELP = new RegExp(String.raw`^\s*(?:\?\??\s*(${NAME})|(${NAME})\s*\?\??)\s*$`);

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

/**
 * The errors of a cell: those that come of a line in IPython's syntax are replaced with what to do instead.
 *
 * @param errors not empty
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
	return errors;
}
