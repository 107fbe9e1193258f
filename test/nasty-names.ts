// Names that mean something to whatever shows them: HTML, Markdown, plotly, LaTeX, templates, spreadsheets, terminals.

/** What runs when one of the names is taken for code. */
const CODE = "window.pwned=1";

const MARKUP = [
	`<img src=x onerror=${CODE}>`,
	`<svg onload=${CODE}>`,
	`<script>${CODE}<!--`,
	`"><img src=x onerror="${CODE}">`,
	`' onmouseover='${CODE}' x='`,
	`<details open ontoggle=${CODE}>`,
	"<img src=http:evil.test>",
	"<b>bold<b>",
	`<a href="javascript:${CODE}">link`,
	'<span style="fill:url(http:evil.test)">s',
	"a<br>b",
	"<!--",
	"]]>",
	"<![CDATA[",
	"<?php",
	"&amp;",
	`&lt;img src=x onerror=${CODE}&gt;`,
	"&#60;b&#62;",
	"&notin",
	"<extra>e<extra>",
];
const MARKDOWN = [
	"*a* _b_ **c** ~~d~~",
	`[x](javascript:${CODE})`,
	"![x](http:evil.test)",
	"[x]: http:evil.test",
	"<http:evil.test>",
	"`code`",
	"```",
	"| a | b |",
	"# heading",
	"1. item",
	"- item",
	"> quote",
	"    indented",
	"---",
	"===",
	"- [ ] task",
	"term\n: definition",
	"a\n\n# b",
	"\\*",
	"http:evil.test",
	"www.evil.test",
	"me@evil.test",
];
const TEMPLATES = [
	`$\\href{javascript:${CODE}}{x}$`,
	"$$x^2$$",
	"\\(x\\)",
	"\\begin{a}b\\end{a}",
	`\${${CODE}}`,
	`\`\${1}\``,
	"{{ 7*7 }}",
	"{% raw %}",
	"{0}",
	"%{x} %{meta[0]}",
	"%s %d %0",
	"'); window.pwned=1; ('",
	"\\u003cimg src=x>",
	"javascript:window.pwned=1",
];
const OBJECTS = ["__proto__", "constructor", "toString", "hasOwnProperty", "undefined", "null", "NaN", "true", "then"];
const TABLES = [
	"=1+1",
	"+1",
	"-1",
	"@SUM(A1)",
	"'=1",
	"a,b;c",
	'"quoted"',
	"＝1",
	"007",
	"1e5",
	"2024-01-01",
	"not run",
];
const TERMINALS = [
	"\x1b[31mred\x1b[0m",
	"\x1b]0;title\x07",
	"\x1b[2J",
	"\x9b31m",
	"\x7fdelete",
	"back\bspace",
	"line\nbreak",
	"carriage\rreturn",
	"tab\there",
	"vertical\vtab",
	"separator\u2028s",
	"next\u0085line",
	"\u202egnp.exe",
	"\u2066isolated",
	"\u200eleft",
	"zero\u200bwidth",
	"\ufeffmark",
];
const UNICODE = [
	"e\u0301clair",
	"\u1112\u1161\u11ab",
	"猫",
	"שלום",
	"👩\u200d👩\u200d👧",
	"🏳️\u200d🌈",
	"ﬁ",
	"İ",
	"\u{10ffff}",
	"n".repeat(200),
	"é".repeat(100),
	" leading",
	"trailing ",
	"two  spaces",
	"no\u00a0break",
];

/** Names by what they attack: each is one that Linux takes for a file or a folder, and at most 200 bytes long. */
const SINGLE = [MARKUP, MARKDOWN, TEMPLATES, OBJECTS, TABLES, TERMINALS, UNICODE].flat();
/** Attacks that only work together, or in the middle of a name. */
const PAIRED = SINGLE.filter((name) => name.length < 60).map(
	(name, i, { length }) => `${name} ${SINGLE[(7 * i) % length].slice(0, 40)}`,
);

/** 200 different names. */
export const nastyNames = [...new Set([...SINGLE, ...PAIRED])].slice(0, 200);
