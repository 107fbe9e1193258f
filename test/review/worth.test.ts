import assert from "node:assert/strict";
import { test } from "node:test";
import { meanConfint } from "../../src/metrics/mean";
import { worthOf } from "../../src/review/worth";

const seeds = [1, 2, 3, 4, 5];
/** Luck of a seed, which all variants share: unpaired it would hide the differences. */
const luck = [0.7, 0.8, 0.75, 0.9, 0.6];

test("variants are compared with the first one seed by seed", async () => {
	const seen: string[] = [];
	const own = [0.018, 0.02, 0.012, 0.025, 0.015];
	const [corrected, same] = await worthOf(
		{ "as it is": "base", "12 labels corrected": "corrected", "3 images left out": "less" },
		{
			seeds,
			trainAndScore(data, seed) {
				seen.push(`${data} ${seed}`);
				const gain = { base: 0, corrected: own[seed - 1], less: seed % 2 ? 0.01 : -0.012 }[data] as number;
				return luck[seed - 1] + gain;
			},
		},
	);
	const expected = meanConfint(own);
	assert.ok(Math.abs(corrected.difference.low - expected.low) < 1e-12);
	assert.ok(Math.abs(corrected.difference.high - expected.high) < 1e-12);
	assert.equal(corrected.sentence, "12 labels corrected: +1.8 points (95 %: +1.2 to +2.4, 5 seeds)");
	assert.equal(corrected.isLuck, false);
	assert.match(same.sentence, /^3 images left out: \+0\.1 points \(95 %: −1\.4 to \+1\.6, 5 seeds\): within luck$/);
	assert.ok(same.isLuck);
	assert.equal(seen.length, 15);
	assert.deepEqual(seen.slice(0, 4), ["base 1", "corrected 1", "less 1", "base 2"]);
});

test("no difference is within luck", async () => {
	const [{ sentence }] = await worthOf({ a: 1, b: 2 }, { seeds: [1, 2], trainAndScore: () => 0.5 });
	assert.equal(sentence, "b: 0.0 points (95 %: 0.0 to 0.0, 2 seeds): within luck");
});

test("what cannot be compared is refused", async () => {
	await assert.rejects(worthOf({ a: 1 }, { seeds, trainAndScore: () => 1 }), /there is one variant, a/);
	await assert.rejects(
		worthOf({ a: 1, b: 2 }, { seeds: [3, 3], trainAndScore: () => 1 }),
		/seeds are 3, 3: expected two/,
	);
	const trainAndScore = () => Number.NaN;
	await assert.rejects(worthOf({ a: 1, b: 2 }, { seeds, trainAndScore }), /the score of a with seed 1 is NaN/);
});
