import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { thinned } from "../../src/display/thinned";

const line = (points: number) => ({
	type: "scatter",
	mode: "lines",
	name: "a line",
	x: Array.from({ length: points }, (_, i) => i),
	y: Array.from({ length: points }, (_, i) => Math.sin(i) * (i % 977)),
});

describe("a long line", () => {
	for (const points of [4001, 5000, 100_000, 123_457]) {
		test(`of ${points} points keeps its ends, its extremes and its order`, () => {
			const whole = line(points);
			const [{ x, y, name }] = thinned({ data: [whole] }).data as (typeof whole)[];
			assert.ok(x.length <= 4000 && x.length > 900);
			assert.equal(name, "a line");
			assert.deepEqual([x[0], x.at(-1)], [0, points - 1]);
			assert.ok(x.every((value, i) => i === 0 || value > x[i - 1]));
			assert.ok(x.every((value, i) => y[i] === whole.y[value]));
			const extremes = (values: number[]) => [Math.min(...values), Math.max(...values)];
			assert.deepEqual(extremes(y), extremes(whole.y));
			// Seen through any window of pixels: 500 columns of which each shows the lowest and the highest point.
			const width = Math.ceil(points / 500);
			for (let start = 0; start < points; start += width) {
				const inside = y.filter((_, i) => x[i] >= start && x[i] < start + width);
				assert.ok(inside.length >= 2, `nothing is left from ${start} on`);
			}
		});
	}

	test("leaves short lines, markers and bars as they are", () => {
		const data = [line(4000), { ...line(5000), mode: "markers" }, { ...line(5000), type: "bar" }, { z: [[1]] }];
		assert.deepEqual(thinned({ data, layout: { width: 3 } }), { data, layout: { width: 3 } });
	});
});
