import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeMarkdown, Html, html, printable, scriptData } from "../../src/support/text";
import { printableLines } from "../../tools/setup/text.mjs";

const everyCharacter = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));

test("printable text has no character that a terminal obeys, and is otherwise as it was", () => {
	assert.equal(
		printable("line\nbreak\ttab \x1b[31mred\x07 \u202egnp.exe \u2028 \x7f\x9b"),
		String.raw`line\nbreak\ttab \x1b[31mred\x07 \u202egnp.exe \u2028 \x7f\x9b`,
	);
	const untouched = "Ünïcode, e\u0301, 猫, 👩\u200d👧 \\n `$(x)` <b>";
	assert.equal(printable(untouched), untouched);
	const changed = everyCharacter.filter((character) => printable(character) !== character);
	const read = changed.map((character) => JSON.parse(`"${printable(character).replace("\\x", "\\u00")}"`));
	assert.deepEqual(read, changed);
	// C0, delete, C1, the overrides and isolates of direction, the two line separators.
	assert.equal(changed.length, 32 + 1 + 32 + 5 + 4 + 2);
});

test("html escapes its values, but not HTML, and joins lists", () => {
	const name = `<img src=x onerror="alert('&')">\r`;
	assert.equal(String(html`<b title="${name}">${name}</b>`).includes("<img"), false);
	assert.equal(String(html`<i>${"&amp;"}</i>`), "<i>&amp;amp;</i>");
	assert.equal(
		String(html`<ul>${["a<", "b"].map((item) => html`<li>${item}</li>`)}${null}${undefined}${0}</ul>`),
		"<ul><li>a&lt;</li><li>b</li>0</ul>",
	);
	assert.equal(String(html`\n is a line break`), "\n is a line break");
	const forged = JSON.parse('{"source":"<b>"}');
	assert.equal(String(html`${forged}`), "[object Object]");
	assert.equal(String(html`${new Html("<b>")}`), "<b>");
});

test("data in a script element is JSON that cannot end it", () => {
	const data = { "</script>": "<!-- ]]> \u2028 &amp;", ["__proto__"]: 1 };
	const text = String(scriptData(data));
	assert.doesNotMatch(text, /[<>&\u2028]/);
	assert.deepEqual(JSON.parse(text), data);
});

test("escaped Markdown has no punctuation but that of references", () => {
	const text = escapeMarkdown("# *a* [x](javascript:y) <b> |`~ 1. www.example.org\n---");
	assert.match(text, /^(&#\d+;|[\w ])*$/);
	assert.match(escapeMarkdown("$x$ and $y$"), /^<span class="mathjax_ignore">[^<$]*<\/span>$/);
	assert.equal(escapeMarkdown("cats, 97 %"), "cats, 97 %");
});

test("messages of commands are printable by the same rule, but keep their lines", () => {
	const kept = everyCharacter.filter((character) => printableLines(character) !== printable(character));
	assert.deepEqual(kept, ["\t", "\n", "\r"]);
	assert.equal(printableLines("\r"), "\\x0d");
});
