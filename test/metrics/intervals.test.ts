import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bootstrap, pick } from "../../src/metrics/bootstrap";
import { meanConfint, meanDifferenceConfint } from "../../src/metrics/mean";
import { proportionConfint, proportionDifferenceConfint } from "../../src/metrics/proportion";
import { spearmanr } from "../../src/metrics/spearman";
import { fixture } from "../helpers";

type Proportion = { count: number; nobs: number; alpha: number; low: number; high: number };

describe("the interval of a proportion", () => {
	test("equals that of statsmodels", () => {
		for (const { count, nobs, alpha, ...expected } of fixture<{ proportions: Proportion[] }>("metrics").proportions) {
			const { low, high } = proportionConfint(count, nobs, { alpha });
			for (const [a, b] of [
				[low, expected.low],
				[high, expected.high],
			]) {
				assert.ok(Math.abs(a - b) < 1e-12, `${count} of ${nobs}: ${a}, not ${b}`);
			}
		}
	});

	test("contains the proportion, lies in 0 to 1 and has a width, for every count of up to 60 samples", () => {
		for (const alpha of [0.2, 0.05, 1e-3, 1e-9]) {
			for (let nobs = 1; nobs <= 60; nobs++) {
				for (let count = 0; count <= nobs; count++) {
					const { low, high } = proportionConfint(count, nobs, { alpha });
					assert.ok(0 <= low && low <= count / nobs && count / nobs <= high && high <= 1, `${count} of ${nobs}`);
					assert.ok(high - low > 0.01, `${count} of ${nobs}: ${low} to ${high}`);
				}
			}
		}
	});

	test("of no samples is everything", () => {
		assert.deepEqual(proportionConfint(0, 0), { low: 0, high: 1 });
	});

	test("refuses counts and levels that are none", () => {
		assert.throws(() => proportionConfint(17, 16), /count is 17 and nobs 16: expected a count of 0 to the number/);
		assert.throws(() => proportionConfint(-1, 16), /count is -1/);
		assert.throws(() => proportionConfint(Number.NaN, 16), /count is NaN/);
		assert.throws(() => proportionConfint(1, 16, { alpha: 95 }), /alpha is 95: expected a number above 0 and below 1/);
	});
});

describe("Student's interval of a mean, and Newcombe's of a difference,", () => {
	type Bounds = { low: number; high: number };
	const close = (a: Bounds, b: Bounds, what: string) => {
		for (const bound of ["low", "high"] as const) {
			assert.ok(
				Math.abs(a[bound] - b[bound]) < 1e-9 * Math.max(1, Math.abs(b[bound])),
				`${what}: ${a[bound]}, not ${b[bound]}`,
			);
		}
	};

	test("equal those of statsmodels and SciPy", () => {
		const { means, meanDifferences, differences } = fixture<{
			means: ({ values: number[]; alpha: number } & Bounds)[];
			meanDifferences: ({ a: number[]; b: number[]; alpha: number } & Bounds)[];
			differences: ({ counts: [number, number, number, number]; alpha: number } & Bounds)[];
		}>("metrics");
		for (const { values, alpha, ...expected } of means) close(meanConfint(values, { alpha }), expected, String(values));
		for (const { a, b, alpha, ...expected } of meanDifferences) {
			close(meanDifferenceConfint(a, b, { alpha }), expected, `${a} and ${b}`);
			close(meanDifferenceConfint(b, a, { alpha }), { low: -expected.high, high: -expected.low }, `${b} and ${a}`);
		}
		for (const { counts, alpha, ...expected } of differences) {
			close(proportionDifferenceConfint(...counts, { alpha }), expected, String(counts));
		}
	});

	test("of one measurement has no bounds", () => {
		assert.deepEqual(meanConfint([0.9]), { value: 0.9, low: Number.NaN, high: Number.NaN });
		assert.throws(() => meanConfint([1, 2], { alpha: 0 }), /alpha is 0: expected a number above 0 and below 1/);
		assert.deepEqual(meanDifferenceConfint([0.75, 0.75], [0.5]), { value: 0.25, low: Number.NaN, high: Number.NaN });
		assert.throws(() => meanDifferenceConfint([1, 2], [1, 2], { alpha: 1 }), /alpha is 1: expected a number above 0/);
	});

	test("of two means without a spread is their difference", () => {
		assert.deepEqual(meanDifferenceConfint([0.75, 0.75], [0.5, 0.5]), { value: 0.25, low: 0.25, high: 0.25 });
	});

	test("equals that of a mean where only one side has a spread, and does not overflow with many values", () => {
		const values = [1, 2, 4, 8, 16];
		close(meanDifferenceConfint(values, [0, 0]), meanConfint(values), "against nothing");
		const many = Array.from({ length: 100_000 }, (_, i) => i % 2);
		const { value, low, high } = meanConfint(many);
		// The normal distribution's quantile, with the first two terms of the t distribution's expansion around it.
		const z = 1.959963984540054;
		const t = z + (z ** 3 + z) / 4 / 99_999;
		const distance = t * Math.sqrt(0.25 / 99_999);
		close({ low, high }, { low: value - distance, high: value + distance }, "many");
	});
});

test("Spearman's rank correlation equals SciPy's, ties and constants included", () => {
	for (const { a, b, correlation } of fixture<{ ranks: { a: number[]; b: number[]; correlation: number | string }[] }>(
		"metrics",
	).ranks) {
		const found = spearmanr(a, b);
		if (correlation === "nan") assert.ok(Number.isNaN(found));
		else assert.ok(Math.abs(found - Number(correlation)) < 1e-12, `${found}, not ${correlation}`);
	}
});

describe("the bootstrap interval", () => {
	const meanOf = (values: number[]) => (i: Uint32Array) => pick(values, i).reduce((a, b) => a + b) / i.length;

	test("contains the score of the samples themselves", () => {
		const maximum = (values: number[]) => (i: Uint32Array) => Math.max(...pick(values, i));
		const values = Array.from({ length: 30 }, (_, i) => (i === 7 ? 36 : Math.sin(i)));
		for (const score of [meanOf(values), maximum(values), (i: Uint32Array) => -maximum(values)(i)]) {
			for (const nResamples of [20, 500]) {
				const { value, low, high } = bootstrap(score, values.length, { nResamples, seed: 1, confidenceLevel: 0.2 });
				assert.equal(value, score(Uint32Array.from(values.keys())));
				assert.ok(low <= value && value <= high, `${value}: ${low} to ${high}`);
			}
		}
	});

	test("is not a number where all resamples have the same score", () => {
		const nothing = { low: Number.NaN, high: Number.NaN, standardError: Number.NaN };
		const options = { nResamples: 50, seed: 1 };
		assert.deepEqual(bootstrap(meanOf(Array(16).fill(1)), 16, options), { value: 1, ...nothing });
		assert.deepEqual(bootstrap(meanOf([3]), 1, options), { value: 3, ...nothing });
		assert.deepEqual(
			bootstrap(() => Number.NaN, 5, options),
			{ value: Number.NaN, ...nothing },
		);
	});

	test("of no samples is an error", () => {
		assert.throws(() => bootstrap(() => 1, 0), /there are 0 samples: expected one or more/);
	});
});
