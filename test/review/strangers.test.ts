import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { proportionConfint } from "../../src/metrics/proportion";
import { rocAucScore } from "../../src/metrics/ranking";
import type { FeatureMatrix } from "../../src/review/features";
import { nearestNeighbours } from "../../src/review/neighbours";
import { detectStrangers, fitStrangers, maximumSoftmaxScores } from "../../src/review/strangers";
import { fixture, randomIntegers } from "../helpers";

interface Recorded {
	k: number;
	train: number[][];
	new: number[][];
	isStranger: boolean[];
	scores: number[];
	auroc: number;
	probabilities: number[][];
	maximumSoftmax: number[];
}

const matrixOf = (rows: number[][]): FeatureMatrix => ({
	values: Float32Array.from(rows.flat()),
	images: rows.length,
	length: rows[0]?.length ?? 6,
});

const random = randomIntegers(8);
/** Features of usual images: around one direction. */
const usual = (images: number) =>
	matrixOf(Array.from({ length: images }, () => Array.from({ length: 6 }, () => 1 + random(1000) / 500)));
/** Features of images in another direction. */
const strange = (images: number) =>
	matrixOf(Array.from({ length: images }, (_, i) => Array.from({ length: 6 }, (_, j) => (j === i % 6 ? 1 : -1))));

function close(actual: number[], expected: number[], tolerance: number): void {
	assert.equal(actual.length, expected.length);
	actual.forEach((value, i) => {
		assert.ok(Math.abs(value - expected[i]) < tolerance, `${value} at ${i} instead of ${expected[i]}`);
	});
}

test("scores and AUROC are those of PyTorch-OOD: deep nearest neighbours, and maximum softmax", async () => {
	for (const { k, train, new: images, isStranger, ...recorded } of fixture<Recorded[]>("strangers")) {
		const known = matrixOf(train);
		const found = await detectStrangers(matrixOf(images), await fitStrangers(known, known, { k }));
		const scores = found.map(({ score }) => score);
		close(scores, recorded.scores, 1e-6);
		close([rocAucScore(isStranger.map(Number), scores)], [recorded.auroc], 1e-6);
		close(maximumSoftmaxScores(recorded.probabilities), recorded.maximumSoftmax, 1e-12);
		assert.deepEqual(
			found.map(({ nearest }) => nearest),
			(await nearestNeighbours(matrixOf(images), k, { among: known })).indices,
		);
	}
});

test("of usual images as many are called strangers as the rate says, in new draws of all three sets", async () => {
	const draws = 400;
	for (const [falseAlarmRate, validation] of [
		[0.05, 99],
		[0.2, 24],
	]) {
		let alarms = 0;
		for (let draw = 0; draw < draws; draw++) {
			const detector = await fitStrangers(usual(30), usual(validation), { falseAlarmRate });
			alarms += Number((await detectStrangers(usual(1), detector))[0].isStranger);
		}
		// With these numbers of validation images the rate is exact.
		const { low, high } = proportionConfint(alarms, draws, { alpha: 0.01 });
		assert.ok(low <= falseAlarmRate && falseAlarmRate <= high, `${alarms} of ${draws} at ${falseAlarmRate}`);
	}
});

test("images in another direction are strangers, also beside one that is a training image itself", async () => {
	const train = usual(50);
	const detector = await fitStrangers(train, usual(40));
	const { values, length } = strange(6);
	const own = train.values.subarray(3 * length, 4 * length);
	const both = { values: Float32Array.from([...values, ...own]), images: 7, length };
	const found = await detectStrangers(both, detector);
	assert.deepEqual(
		found.map(({ isStranger }) => isStranger),
		[true, true, true, true, true, true, false],
	);
	assert.equal(found[6].nearest[0], 3);
	assert.ok(found.every(({ threshold, nearest }) => threshold === detector.threshold && nearest.length === 10));
});

describe("few or odd images", () => {
	test("with too few validation images for the rate none is a stranger", async () => {
		for (const [images, falseAlarmRate, isEnough] of [
			[0, 0.05, false],
			[3, 0.05, false],
			[18, 0.05, false],
			[19, 0.05, true],
			[98, 0.01, false],
			[99, 0.01, true],
			[3, 0.25, true],
		] as const) {
			const detector = await fitStrangers(usual(20), usual(images), { falseAlarmRate });
			assert.equal(Number.isFinite(detector.threshold), isEnough, `${images} at ${falseAlarmRate}`);
			const found = await detectStrangers(strange(2), detector);
			assert.deepEqual(
				found.map(({ isStranger }) => isStranger),
				[isEnough, isEnough],
			);
		}
	});

	test("with fewer than k training images all of them count", async () => {
		const detector = await fitStrangers(usual(2), usual(40));
		const found = await detectStrangers(strange(3), detector);
		assert.ok(found.every(({ isStranger, nearest }) => isStranger && nearest.length === 2));
		await assert.rejects(fitStrangers(usual(0), usual(40)), /there are 0 training images: pass/);
	});

	test("where all features are equal, or zeros, no image is a stranger", async () => {
		for (const value of [0, 0.1, 3]) {
			const equal = (images: number) => matrixOf(Array.from({ length: images }, () => Array(300).fill(value)));
			const found = await detectStrangers(equal(25), await fitStrangers(equal(30), equal(40)));
			assert.ok(found.every(({ isStranger }) => !isStranger));
		}
	});

	test("of no images there are no strangers", async () => {
		assert.deepEqual(await detectStrangers(usual(0), await fitStrangers(usual(20), usual(20))), []);
	});

	test("features of another network, that are no numbers, and options out of their range are refused", async () => {
		const [train, other] = [usual(20), matrixOf([[1, 2]])];
		await assert.rejects(fitStrangers(train, other), /images have 2 features, those among them 6/);
		await assert.rejects(
			detectStrangers(other, await fitStrangers(train, train)),
			/images have 2 features, those among them 6/,
		);
		const nan = matrixOf([Array(6).fill(Number.NaN)]);
		await assert.rejects(fitStrangers(train, nan), /the features of image 0 are not all numbers/);
		await assert.rejects(fitStrangers(nan, train), /the features of image 0 are not all numbers/);
		await assert.rejects(
			fitStrangers(train, train, { falseAlarmRate: 5 }),
			/falseAlarmRate is 5: expected a number above 0/,
		);
		await assert.rejects(fitStrangers(train, train, { k: 0 }), /k is 0/);
	});
});
