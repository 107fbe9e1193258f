// Prediction sets: those of MAPIE, and the coverage that they promise.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { type ConformityScore, fitConformal, predictionSets } from "../../src/metrics/conformal";
import { fixture } from "../helpers";

type Case = { yTrue: number[]; calibration: number[][]; new: number[][]; coverage: number; lac: number[][] };
const recorded = fixture<Case[]>("conformal");

/** Images of a model that is right more often than not, and surer than it should be. */
function draw(images: number, classes: number, random: () => number) {
	const yTrue = Array.from({ length: images }, () => Math.floor(random() ** 1.5 * classes));
	const rows = yTrue.map((label) => {
		const weights = Array.from({ length: classes }, (_, k) => Math.exp(3 * random() + Number(k === label)));
		const total = weights.reduce((sum, weight) => sum + weight, 0);
		return weights.map((weight) => weight / total);
	});
	return { yTrue, rows };
}

describe("prediction sets", () => {
	for (const { yTrue, calibration, coverage, lac, ...given } of recorded) {
		test(`are MAPIE's: ${calibration[0].length} classes, coverage ${coverage}`, () => {
			const sets = predictionSets(given.new, fitConformal(yTrue, calibration, { coverage }));
			assert.deepEqual(
				sets.map((set) => [...set].sort()),
				lac,
			);
		});
	}

	for (const method of ["lac", "aps"] as ConformityScore[]) {
		for (const perClass of [false, true]) {
			test(`hold the class as often as they say: ${method}${perClass ? ", each class by itself" : ""}`, () => {
				const random = seedrandom(`${method}${perClass}`);
				const [splits, fitted, tested] = [100, 120, 300];
				const hits = [0, 0, 0];
				const images = [0, 0, 0];
				for (let split = 0; split < splits; split++) {
					const seen = draw(fitted, 3, random);
					const unseen = draw(tested, 3, random);
					const sets = predictionSets(
						unseen.rows,
						fitConformal(seen.yTrue, seen.rows, { coverage: 0.9, method, perClass }),
					);
					unseen.yTrue.forEach((label, i) => {
						images[label]++;
						hits[label] += Number(sets[i].includes(label));
					});
				}
				const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);
				const groups = perClass ? [0, 1, 2].map((label) => hits[label] / images[label]) : [total(hits) / total(images)];
				// The mean over splits is at least the coverage, and above it by less than 1 / (images fitted + 1), of a class too;
				// its standard error is below one point.
				for (const share of groups) assert.ok(share > 0.88 && share < 0.95, `${share}`);
			});
		}
	}

	test("of APS are the most probable classes up to the threshold", () => {
		const random = seedrandom("aps");
		const { yTrue, rows } = draw(50, 4, random);
		const conformal = fitConformal(yTrue, rows, { coverage: 0.8, method: "aps" });
		predictionSets(rows, conformal).forEach((set, i) => {
			const order = [...rows[i].keys()].sort((a, b) => rows[i][b] - rows[i][a]);
			assert.deepEqual(set, order.slice(0, set.length));
			const mass = (labels: number[]) => labels.reduce((sum, label) => sum + rows[i][label], 0);
			assert.ok(mass(set) <= conformal.thresholds[0]);
			assert.ok(set.length === 4 || mass(order.slice(0, set.length + 1)) > conformal.thresholds[0]);
		});
	});

	test("hold every class where there are too few images for the coverage", () => {
		const { yTrue, rows } = draw(3, 3, seedrandom("few"));
		for (const set of predictionSets(rows, fitConformal(yTrue, rows, { coverage: 0.95 }))) assert.equal(set.length, 3);
		// A class without images is in every set, if each has the coverage by itself.
		const without = yTrue.map(() => 0);
		const sets = predictionSets(rows, fitConformal(without, rows, { coverage: 0.5, perClass: true }));
		assert.ok(sets.every((set) => set.includes(1) && set.includes(2)));
	});

	test("hold all classes or none where all probabilities are equal", () => {
		const rows = Array.from({ length: 20 }, () => [0.5, 0.5]);
		const yTrue = rows.map((_, i) => i % 2);
		for (const set of predictionSets(rows, fitConformal(yTrue, rows))) assert.equal(set.length, 2);
	});

	test("say what was expected", () => {
		const { yTrue, rows } = draw(5, 2, seedrandom("bad"));
		assert.throws(
			() => fitConformal(yTrue, rows, { coverage: 1 }),
			/coverage is 1: expected a number above 0 and below 1/,
		);
		assert.throws(() => fitConformal([0], rows), /1.*5/);
		assert.throws(
			() => predictionSets([[1]], fitConformal(yTrue, rows)),
			/1 probabilities: the sets were fitted for 2/,
		);
	});
});
