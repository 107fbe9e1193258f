import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { svgOf } from "../../src/display/svg";

const draw = (data: object[], layout = {}) => svgOf({ data, layout }) as string;
const numbers = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, ...groups]) => groups.map(Number));
const labels = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, label]) => label);

test("the points of a line are proportional to its values and within the image", () => {
	const y = [3, 1, 4, 1.5, 9];
	const svg = draw([{ y }]);
	const points = numbers((/points="([^"]+)"/.exec(svg) as RegExpExecArray)[1], /([\d.]+),([\d.]+)/g);
	const [x0, y0] = points[1];
	const [x1, y1] = points[4];
	for (const [i, [left, top]] of points.entries()) {
		assert.ok(Math.abs(left - (x0 + ((i - 1) / 3) * (x1 - x0))) < 0.2);
		assert.ok(Math.abs(top - (y0 + ((y[i] - 1) / 8) * (y1 - y0))) < 0.2);
		assert.ok(left > 0 && left < 700 && top > 0 && top < 400);
	}
});

test("NaN values are skipped without breaking the line", () => {
	const points = (/points="([^"]+)"/.exec(draw([{ y: [1, Number.NaN, 2] }])) as RegExpExecArray)[1];
	assert.equal(points.split(" ").length, 2);
	assert.doesNotMatch(draw([{ y: [] }]), /NaN|Infinity/);
});

test("bars start at zero, are proportional to their values and stand side by side", () => {
	const svg = draw([
		{ type: "bar", name: "before", x: ["a", "b"], y: [10, 20] },
		{ type: "bar", name: "after", x: ["a", "b"], y: [5, 20] },
	]);
	const bars = numbers(svg, /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g).slice(0, 4);
	const heights = bars.map(([, , , height]) => height);
	assert.ok(Math.abs(heights[1] - 2 * heights[0]) < 1e-6 && Math.abs(heights[0] - 2 * heights[2]) < 1e-6);
	assert.equal(new Set(bars.map(([, top, , height]) => (top + height).toFixed(3))).size, 1);
	assert.ok(Math.abs(bars[0][0] + bars[0][2] - bars[2][0]) < 1e-6);
	assert.ok(["before", "after", "a", "b"].every((label) => labels(svg).includes(label)));
});

test("a heat map has a labelled cell per value, with the first row on top", () => {
	const z = [
		[7, 1],
		[0, 8],
	];
	const svg = draw([{ type: "heatmap", x: ["cat", "dog"], y: ["cat", "dog"], z, texttemplate: "%{z}" }]);
	const cells = numbers(svg, /<rect x="([\d.]+)" y="([\d.]+)"/g);
	assert.equal(cells.length, 4);
	assert.ok(cells[0][1] < cells[2][1] && cells[0][0] < cells[1][0]);
	for (const label of ["7", "1", "0", "8"]) assert.ok(labels(svg).includes(label));
});

test("a heat map has room for the names of its classes: turned below where they are long, cut where they are very long", () => {
	const matrix = (names: string[]) =>
		draw([{ type: "heatmap", x: names, y: names, z: names.map((_, i) => names.map((_, j) => i + j)) }]);
	const widths = (svg: string) => numbers(svg, /<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g).flat();
	const left = (svg: string) => Math.min(...numbers(svg, /<rect x="([\d.]+)"/g).flat());
	const short = matrix(["cat", "dog"]);
	assert.equal(left(short), 56);
	assert.doesNotMatch(short, /rotate\(-90 (?!14 )/);
	const names = ["ankle-boot", "pullover", "t-shirt", "trouser", "sandal", "sneaker", "shirt", "dress", "coat", "bags"];
	const long = matrix(names);
	// DejaVu Sans at 12 pixels: the widest of these names takes 64.
	assert.ok(left(long) > 64 + 28);
	assert.equal(long.match(/rotate\(-90 (?!14 )/g)?.length, names.length);
	for (const name of names) assert.equal(labels(long).filter((label) => label === name).length, 2, name);
	const endless = matrix(["n".repeat(200), "👩".repeat(200)]);
	assert.ok(widths(endless).every((width) => width > 200));
	assert.ok(labels(endless).every((label) => label.length < 60 && !/[\ud800-\udbff]…/.test(label)));
});

test("cells and bars are labelled with as many digits as plotly shows", () => {
	const z = [
		[2 / 3, 1 / 3],
		[0, 1],
	];
	const heat = draw([{ type: "heatmap", x: ["a", "b"], y: ["a", "b"], z, texttemplate: "%{z:.1%}" }]);
	for (const label of ["66.7%", "33.3%", "0.0%", "100.0%"]) assert.ok(labels(heat).includes(label), label);
	const bars = draw([{ type: "bar", x: ["a"], y: [0.824], texttemplate: "%{y:.0%}" }]);
	assert.ok(labels(bars).includes("82%"));
});

test("axes are labelled with round numbers, fractions with percentages", () => {
	const ticks = labels(draw([{ y: [0, 97] }])).map(Number);
	assert.ok([0, 20, 40, 60, 80].every((tick) => ticks.includes(tick)));
	const epochs = labels(draw([{ x: [1, 2], y: [0, 100] }], { xaxis: { dtick: 1 } }));
	assert.ok(["1", "2"].every((label) => epochs.includes(label)) && !epochs.includes("1.2"));
	const percentages = labels(
		draw([{ type: "bar", x: ["m"], y: [0.5], texttemplate: "%{y:.1%}" }], {
			yaxis: { range: [0, 1], tickformat: ".0%" },
		}),
	);
	assert.ok(["0%", "100%", "50.0%"].every((label) => percentages.includes(label)));
});

test("traces on a second axis have a separate panel", () => {
	const svg = draw([{ y: [1, 2] }, { y: [5, 6], xaxis: "x2", yaxis: "y2" }], { xaxis2: { title: { text: "second" } } });
	assert.deepEqual(numbers(svg, /translate\((\d+) 0\)/g), [[0], [350]]);
	assert.ok(labels(svg).includes("second"));
});

test("names are escaped, and the SVG is valid for another reader", async () => {
	const svg = draw(
		[
			{ y: [1, 2], name: "<a> & b" },
			{ y: [2, 1], name: "c" },
		],
		{ title: { text: "x < y" } },
	);
	assert.ok(svg.includes("&lt;a&gt; &amp; b") && svg.includes("x &lt; y"));
	const { format, width, height } = await sharp(Buffer.from(svg)).metadata();
	assert.deepEqual([format, width, height], ["svg", 700, 400]);
});

test("traces of other types are not drawn", () => {
	assert.equal(svgOf({ data: [{ type: "pie", values: [1, 2] }] }), null);
});
