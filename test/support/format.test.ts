import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, percent, points } from "../../src/support/format";

test("a difference has a sign, unless it rounds to zero", () => {
	assert.deepEqual([0.0149, -0.003, 0.0004, -0.0004, 0].map(points), [
		"+1.5 points",
		"−0.3 points",
		"0.0 points",
		"0.0 points",
		"0.0 points",
	]);
});

test("fractions are percentages, and seconds are rounded up", () => {
	assert.equal(percent(0.97512), "97.5 %");
	assert.deepEqual([0.2, 59, 59.1, 125].map(formatDuration), ["1 s", "59 s", "1 min 00 s", "2 min 05 s"]);
});
