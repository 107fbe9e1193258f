// Escapes names, and any other text that is data, for where they go: terminals, HTML and Markdown.

/** Control characters, line breaks, half surrogate pairs, and what turns the direction of the text after it. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;
const SHORT_ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Escapes control characters as JavaScript does, so that a name takes one line of a terminal and cannot command it:
 * `"a\nb"` becomes `a\nb` with a backslash. All other characters stay as they are.
 */
export function printable(text: string): string {
	return text.replace(UNPRINTABLE, (character) => {
		const code = character.charCodeAt(0).toString(16);
		return (
			SHORT_ESCAPES[character] ?? (code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`)
		);
	});
}

/** HTML or SVG, made by `html`. A class, since no JSON that is read from a file can pass for an instance. */
export class Html {
	constructor(readonly source: string) {}
	toString(): string {
		return this.source;
	}
}

const ENTITIES: Record<string, string> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

/**
 * Template tag for HTML and SVG: escapes each value for text and for quoted attributes, except what is `Html` already.
 * Arrays are joined, nothing is put in for `null` and `undefined`. For scripts see `scriptData`.
 */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
	return new Html(String.raw({ raw: strings }, ...values.map(toHtml)));
}

function toHtml(value: unknown): string {
	if (value instanceof Html) return value.source;
	if (Array.isArray(value)) return value.map(toHtml).join("");
	// Line breaks and tabs are white space there; other control characters are not allowed.
	const text = String(value ?? "").replace(/[^\n\t]+/g, printable);
	return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** Returns a value as JSON for a script element: no text in it can end the script. */
export const scriptData = (value: unknown): Html =>
	new Html(
		JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
	);

/**
 * Escapes text for Markdown: it means nothing to Markdown, HTML or LaTeX, wherever it stands but between backticks.
 *
 * All punctuation becomes character references, since a backslash does not keep an address from becoming a link.
 */
export function escapeMarkdown(text: string): string {
	const escaped = printable(text).replace(/[!-$&-+\--/:-@[-`{-~]|^\s|\s$/g, (c) => `&#${c.charCodeAt(0)};`);
	// JupyterLab looks for formulas in the finished page, where references are characters again.
	return /[$\\]/.test(text) ? `<span class="mathjax_ignore">${escaped}</span>` : escaped;
}
