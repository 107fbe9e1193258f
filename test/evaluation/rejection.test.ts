import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { costsOf, leastCostDecisions, pointForErrorRate, rejectionCurve } from "../../src/evaluation/rejection";
import { proportionConfint } from "../../src/metrics/proportion";

const random = seedrandom("rejection");
// Confidences with ties, which are right as often as they say.
const confidence = Array.from({ length: 500 }, () => Math.round(20 * random()) / 20);
const isRight = confidence.map((p) => random() < p);

describe("the accuracy–rejection curve", () => {
	test("is the accuracy of the images that reach each threshold", () => {
		const curve = rejectionCurve(isRight, confidence);
		assert.equal(curve.length, new Set(confidence).size);
		assert.equal(curve[0].answered, 1);
		for (const { threshold, answered, accuracy, low, high } of curve) {
			const kept = isRight.filter((_, i) => confidence[i] >= threshold);
			const hits = kept.filter(Boolean).length;
			assert.equal(answered, kept.length / 500);
			assert.equal(accuracy, hits / kept.length);
			const bounds = proportionConfint(hits, kept.length);
			assert.deepEqual([low, high], [bounds.low, bounds.high]);
		}
		assert.ok(curve.every(({ threshold }, i) => i === 0 || threshold > curve[i - 1].threshold));
	});

	test("gives the threshold for an error rate, whose rate on new images is within it", () => {
		let exceeded = 0;
		for (let run = 0; run < 200; run++) {
			const draw = (images: number) => Array.from({ length: images }, () => random() ** 0.3);
			const [seen, unseen] = [draw(400), draw(2000)];
			const right = (confidences: number[]) => confidences.map((p) => random() < p);
			const point = pointForErrorRate(rejectionCurve(right(seen), seen), 0.1);
			if (!point) continue;
			const kept = unseen.filter((p) => p >= point.threshold);
			const errors = right(kept).filter((hit) => !hit).length / kept.length;
			exceeded += Number(errors > 0.1);
		}
		// The bound is one-sided at 97.5 %, chosen over several thresholds.
		assert.ok(exceeded < 20, `${exceeded} of 200`);
	});

	test("of one image, of equal confidences, and where no threshold is enough", () => {
		assert.equal(rejectionCurve([1], [0.5]).length, 1);
		const [only, ...others] = rejectionCurve([1, 0, 1], [0.5, 0.5, 0.5]);
		assert.deepEqual([only.answered, only.accuracy, others], [1, 2 / 3, []]);
		assert.equal(pointForErrorRate([only], 0.01), null);
		assert.throws(() => rejectionCurve([], []), /0 predictions and 0 confidences/);
		assert.throws(() => rejectionCurve([1], []), /1 predictions and 0 confidences/);
		assert.throws(() => pointForErrorRate([only], 1), /errorRate is 1: expected/);
	});
});

describe("decisions at the least cost", () => {
	const draws = Array.from({ length: 3000 }, () => {
		const weights = [random(), random(), random()].map((value) => value ** 3);
		return weights.map((value) => value / weights.reduce((a, b) => a + b));
	});
	const labels = draws.map(([a, b]) => {
		const u = random();
		return u < a ? 0 : u < a + b ? 1 : 2;
	});

	test("with equal costs reject the images below 1 minus the cost of a rejection", () => {
		const decisions = leastCostDecisions(draws, { rejection: 0.3 });
		for (const [i, row] of draws.entries()) {
			const most = Math.max(...row);
			assert.equal(decisions[i], most >= 0.7 - 1e-12 ? row.indexOf(most) : null);
		}
	});

	test("of calibrated probabilities cost less than any threshold on the confidence, up to chance", () => {
		const given = {
			costs: [
				[0, 1, 4],
				[2, 0, 1],
				[9, 1, 0],
			],
			rejection: 0.6,
		};
		const meanOf = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
		const least = meanOf(costsOf(labels, leastCostDecisions(draws, given), given));
		for (let threshold = 0; threshold <= 1.01; threshold += 0.05) {
			const simple = draws.map((row) => (Math.max(...row) >= threshold ? row.indexOf(Math.max(...row)) : null));
			assert.ok(least < meanOf(costsOf(labels, simple, given)) + 0.01, `threshold ${threshold}`);
		}
	});

	test("reject none by default, and all where it is free; costs must fit the classes", () => {
		assert.deepEqual(leastCostDecisions([[0.5, 0.5]]), [0]);
		assert.deepEqual(leastCostDecisions([[0.6, 0.4]], { rejection: 0 }), [null]);
		assert.deepEqual(costsOf([1, 1], [null, 0], { rejection: 0.25 }), [0.25, 1]);
		assert.throws(() => leastCostDecisions([[0.6, 0.4]], { costs: [[0, 1]] }), /costs has 1 rows: expected 2/);
	});
});
