// Pseudo-labels: which predictions for unlabelled images are confident, and in which order they are looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pointForErrorRate, rejectionCurve } from "../../src/evaluation/rejection";
import { labelNext } from "../../src/review/label-next";
import { proposeLabels } from "../../src/review/pseudo-labels";
import { randomIntegers } from "../helpers";

const classNames = ["cat", "dog", "owl"];

/** Random probabilities, many of them confident. */
function randomRows(images: number): number[][] {
	const random = randomIntegers(5);
	return Array.from({ length: images }, () => {
		const weights = classNames.map(() => (1 + random(1000)) ** 3);
		const total = weights.reduce((a, b) => a + b);
		return weights.map((weight) => weight / total);
	});
}

const pathsOf = (rows: unknown[]) => rows.map((_, i) => `unlabelled/${i}.png`);

test("each image is proposed once, as its predicted class: confident ones by class and confidence, others by margin", () => {
	const rows = randomRows(300);
	const paths = pathsOf(rows);
	const { confident, uncertain } = proposeLabels(paths, rows, { classNames, threshold: 0.8 });
	const rowOf = (path: string) => rows[paths.indexOf(path)];
	assert.ok(confident.length > 50 && uncertain.length > 50);
	assert.deepEqual([...confident, ...uncertain].map(({ path }) => path).sort(), [...paths].sort());
	for (const { path, suggested, score, label, kind } of [...confident, ...uncertain]) {
		assert.equal(score, Math.max(...rowOf(path)));
		assert.equal(score, rowOf(path)[classNames.indexOf(suggested as string)]);
		assert.deepEqual([label, kind], [null, score >= 0.8 ? "pseudo-label" : "unlabelled"]);
	}
	for (const [i, { suggested, score }] of confident.slice(1).entries()) {
		const { suggested: before, score: scoreBefore } = confident[i];
		const [one, two] = [before, suggested].map((name) => classNames.indexOf(name as string));
		assert.ok(one < two || (one === two && scoreBefore >= score));
	}
	const left = rows.filter((row) => Math.max(...row) < 0.8);
	const order = labelNext({ probabilities: left }, left.length, { method: "uncertainty" });
	assert.deepEqual(
		uncertain.map(({ path }) => rowOf(path)),
		order.map((i) => left[i]),
	);
});

test("a threshold of pointForErrorRate is one, and where there is none no image is confident", () => {
	const confidence = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000);
	const curve = rejectionCurve(
		confidence.map((value) => value > 0.5),
		confidence,
	);
	const point = pointForErrorRate(curve, 0.05);
	assert.ok(point && point.threshold > 0.4);
	const rows = [
		[point.threshold, 1 - point.threshold, 0],
		[point.threshold - 0.001, 0, 0],
	];
	const at = (threshold: number | null) => {
		const { confident, uncertain } = proposeLabels(["a", "b"], rows, { classNames, threshold });
		return [confident.map(({ path }) => path), uncertain.map(({ path }) => path)];
	};
	assert.deepEqual(at(point.threshold), [["a"], ["b"]]);
	assert.equal(pointForErrorRate(curve, 1e-9), null);
	assert.deepEqual(at(null)[0], []);
});

test("no image, and one image, are proposals too", () => {
	assert.deepEqual(proposeLabels([], [], { classNames, threshold: 0.5 }), { confident: [], uncertain: [] });
	const { confident, uncertain } = proposeLabels(["a.png"], [[0.1, 0.7, 0.2]], { classNames, threshold: 0.7 });
	assert.deepEqual(confident, [
		{
			...{ path: "a.png", label: null, suggested: "dog", kind: "pseudo-label", score: 0.7, neighbours: [] },
			why: "The network says dog 70.0 %, owl 20.0 %.",
		},
	]);
	assert.deepEqual(uncertain, []);
});

test("what does not fit together is an error of one line", () => {
	const options = { classNames, threshold: 0.5 };
	for (const [paths, rows, given, expected] of [
		[["a"], [], options, /^there are 0 rows of probabilities for 1 images: expected one for each$/],
		[["a"], [[0.5, 0.5]], options, /^a has 2 probabilities: expected 3, one for each of the classes cat, dog, owl$/],
		[["a"], [[0.5, Number.NaN, 0]], options, /^a has the probability NaN: expected numbers of 0 to 1$/],
		[["a"], [[-3, 1, 3]], options, /^a has the probability -3: expected numbers of 0 to 1$/],
		[["a"], [[]], { ...options, classNames: [] }, /^a has 0 probabilities/],
		[[], [], { ...options, threshold: 1.5 }, /^threshold is 1\.5: expected 0 to 1, such as that of pointForErrorRate/],
		[[], [], { ...options, threshold: Number.NaN }, /^threshold is NaN/],
	] as const)
		assert.throws(
			() => proposeLabels([...paths], rows as unknown as number[][], given),
			({ message }: Error) => {
				assert.match(message, expected);
				return !message.includes("\n");
			},
		);
});
