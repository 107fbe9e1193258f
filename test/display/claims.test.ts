import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { claim } from "../../src/display/claims";
import { showClaims } from "../../src/display/show";

const interval = (low: number, high: number) => ({ value: (low + high) / 2, low, high });

describe("a claim", () => {
	test("held when its whole interval is expected, did not hold when none of it is, and is open otherwise", () => {
		const verdict = (low: number, high: number, expected: object) => claim("", interval(low, high), expected).verdict;
		assert.equal(verdict(1, 2, { above: 0 }), "held");
		assert.equal(verdict(-2, -1, { above: 0 }), "not held");
		assert.equal(verdict(-1, 1, { above: 0 }), "cannot tell");
		assert.equal(verdict(0, 1, { above: 0 }), "cannot tell");
		assert.equal(verdict(0, 1, { atLeast: 0 }), "held");
		assert.equal(verdict(-1, 0, { above: 0 }), "not held");
		assert.equal(verdict(-1, 0, { atLeast: 0 }), "cannot tell");
		assert.equal(verdict(-0.5, 0.5, { above: -1, below: 1 }), "held");
		assert.equal(verdict(-0.5, 1.5, { above: -1, below: 1 }), "cannot tell");
		assert.equal(verdict(1, 1.5, { above: -1, below: 1 }), "not held");
		assert.equal(verdict(Number.NaN, Number.NaN, { above: -1 }), "cannot tell");
		assert.equal(verdict(Number.NEGATIVE_INFINITY, 0, { atMost: 0 }), "held");
	});

	test("of an exact number held or not", () => {
		assert.equal(claim("", 3, { atMost: 3 }).verdict, "held");
		assert.equal(claim("", 3, { below: 3 }).verdict, "not held");
	});

	test("with a reason tells nothing", () => {
		assert.equal(claim("", 3, { above: 0 }, { reason: "nothing was learned" }).verdict, "cannot tell");
		assert.equal(claim("", 3, { above: 0 }, { reason: null }).verdict, "held");
	});
});

describe("the table of claims", () => {
	const symbol = Symbol.for("tslab.kernel");
	const shown: { data: Record<string, string>; metadata: { claims?: unknown } }[] = [];
	const publish = (_: string, content: (typeof shown)[number]) => shown.push(content);
	before(() => Object.assign(globalThis, { [symbol]: { current: () => ({ publish }) } }));
	after(() => Object.assign(globalThis, { [symbol]: undefined }));

	test("shows numbers in their unit, and keeps the claims as data", () => {
		const claims = [
			claim("Augmentation helps", interval(0.01, 0.03), { above: 0 }, { unit: "points" }),
			claim("The network beats <chance>", 0.5, { above: 0.6 }, { unit: "percent" }),
			claim("Shorter", interval(1, 2), { atMost: 1 }, { reason: "nothing was learned" }),
			claim("One run", { value: 0.123456, low: Number.NaN, high: Number.NaN }, { above: 0, below: 1 }),
			claim("A lower loss", -0.25, { below: 0 }),
			claim("A ratio of nothing", Number.NaN, { above: 0 }, { unit: "percent", reason: "there are none" }),
		];
		showClaims(claims);
		const [{ data, metadata }] = shown;
		assert.deepEqual(
			data["text/plain"].split("\n").map((line) => line.split("\t")),
			[
				["claim", "expected", "measured", "verdict"],
				["Augmentation helps", "above 0.0 points", "+2.0 points (95 %: +1.0 points to +3.0 points)", "held"],
				["The network beats <chance>", "above 60.0 %", "50.0 %", "not held"],
				["Shorter", "at most 1", "1.5 (95 %: 1 to 2)", "cannot tell: nothing was learned"],
				["One run", "above 0 and below 1", "0.1235 (no interval)", "cannot tell"],
				["A lower loss", "below 0", "−0.25", "held"],
				["A ratio of nothing", "above 0.0 %", "–", "cannot tell: there are none"],
			],
		);
		assert.ok(data["text/html"].includes("&lt;chance&gt;"));
		assert.deepEqual(metadata.claims, claims);
	});
});
