// The two-sample Kolmogorov–Smirnov test beside SciPy's exact one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { ksTwoSample } from "../../src/metrics/two-sample";
import { fixture } from "../helpers";

const recorded = fixture<{ a: number[]; b: number[]; statistic: number; pvalue: number }[]>("two-sample");

describe("ksTwoSample", () => {
	recorded.forEach(({ a, b, statistic, pvalue }) => {
		test(`is SciPy's: ${a.length} and ${b.length} values, p = ${pvalue.toPrecision(3)}`, () => {
			const result = ksTwoSample(a, b);
			assert.ok(Math.abs(result.statistic - statistic) < 1e-12);
			assert.ok(Math.abs(result.pValue - pvalue) < 0.02, `${result.pValue}`);
			assert.deepEqual(ksTwoSample(b, a), result);
		});
	});

	test("rejects samples of one distribution as seldom as it says", () => {
		const random = seedrandom("ks");
		const draw = (values: number) => Array.from({ length: values }, random);
		const runs = 1000;
		const rejected = Array.from({ length: runs }, () => ksTwoSample(draw(60), draw(90)).pValue < 0.05);
		const share = rejected.filter(Boolean).length / runs;
		assert.ok(share > 0.025 && share < 0.07, `${share}`);
	});

	test("of the same values, of separate ones, and of none", () => {
		assert.deepEqual(ksTwoSample([1, 2, 3], [3, 2, 1]), { statistic: 0, pValue: 1 });
		assert.equal(ksTwoSample([1, 2], [3, 4]).statistic, 1);
		assert.throws(() => ksTwoSample([], [1]), /0 and 1 values/);
	});
});
