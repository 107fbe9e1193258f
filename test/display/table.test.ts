import assert from "node:assert/strict";
import { test } from "node:test";
import { DataFrame, Series } from "danfojs-node";
import { isFrame, tableBundle } from "../../src/display/table";

const html = (...args: Parameters<typeof tableBundle>) => tableBundle(...args)["text/html"] as string;
const text = (...args: Parameters<typeof tableBundle>) => tableBundle(...args)["text/plain"] as string;

test("a DataFrame is escaped in HTML, with the same decimal places in a column", () => {
	const frame = new DataFrame([
		{ name: "<b>", score: 0.123456, n: 3 },
		{ name: "&", score: 1, n: 4 },
	]);
	assert.ok(html(frame).includes("&lt;b&gt;") && html(frame).includes("&amp;") && !html(frame).includes("<b>"));
	assert.equal(text(frame), "name\tscore\tn\n<b>\t0.1235\t3\n&\t1.0000\t4");
});

test("a long table is truncated with a count, and missing values are empty", () => {
	const rows = Array.from({ length: 40 }, (_, i) => ({ i, empty: null }));
	assert.equal(html(rows, { maxRows: 10 }).match(/<tr>/g)?.length, 11);
	assert.ok(html(rows, { maxRows: 10 }).includes("… 30 more rows (40 in all)"));
	assert.ok(
		html([{ a: 1 }, { a: null }]).includes('<td style="text-align:right;white-space:pre-wrap">1</td>'),
		"a column with missing numbers is aligned right",
	);
	assert.equal(text([{ a: 1 }, { b: "x" }]), "a\tb\n1\t\n\tx");
});

test("small numbers keep two significant digits", () => {
	assert.equal(text([{ rate: 0.000023 }, { rate: 0.5 }]), "rate\n0.000023\n0.500000");
});

test("a Series is formatted, and an index other than 0, 1, 2… is shown", () => {
	assert.equal(text(new Series([1, 2])), "0\n1\n2");
	const described = text(new DataFrame([{ a: 1 }, { a: 3 }]).describe());
	assert.match(described, /^\ta\ncount\t2.*\nmean\t2/);
});

test("isFrame recognizes DataFrame and Series only", () => {
	assert.ok(isFrame(new DataFrame([{ a: 1 }])) && isFrame(new Series([1])));
	for (const other of [null, undefined, 1, "DataFrame", {}, [1], { columns: [], values: [], index: [] }]) {
		assert.equal(isFrame(other), false);
	}
});
