import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Records, verdictOf } from "../../tools/report/verdict";

/** The records of a run without a limit: 1,000 test images, 900 of them right, half of each class. */
function recordsWith(changes: { [Key in keyof Records]?: object | null } = {}): Records {
	const counts = ["train", "valid", "test"].flatMap((split) =>
		["cracked", "intact"].map((name) => ({ split, class: name, images: split === "train" ? 2000 : 500 })),
	);
	const records = {
		cleaning: { dataset: "/data", counts, state: "", removed: 0, seconds: 1 },
		issues: { dataset: "/data", state: "", duplicates: [] },
		training: {
			dataset: "/data",
			classNames: ["cracked", "intact"],
			parameters: { epochs: 5, backbone: "efficientnet-lite0" },
			history: {
				loss: [0.6, 0.4, 0.3],
				acc: [0.7, 0.88, 0.9],
				valLoss: [0.5, 0.3, 0.35],
				valAcc: [0.8, 0.9, 0.89],
				epochsRun: 3,
				seconds: 9,
			},
		},
		evaluation: {
			confusionMatrix: [
				[450, 50],
				[50, 450],
			],
		},
	};
	const changed = Object.entries(changes).map(([key, change]) => [
		key,
		change && { ...records[key as keyof Records], ...change },
	]);
	return { ...records, ...Object.fromEntries(changed) } as Records;
}

const limitsOf = (changes: Parameters<typeof recordsWith>[0]) => verdictOf(recordsWith(changes)).slice(1);
const history = (change: object) => ({
	training: { history: { ...recordsWith().training?.history, ...change } },
});
const duplicates = (splits: string[], classes: string[]) => ({
	issues: { duplicates: [{ paths: ["a", "b"], kind: "near", splits, classes }] },
});

describe("the verdict on a data set", () => {
	test("says first how well the classes are told apart, then what limits it", () => {
		assert.deepEqual(verdictOf(recordsWith()), [
			"The images are good enough to tell the classes apart: test accuracy is 90.0 % (95 %: 88.0 % to 91.7 %, 1000 images), always predicting the most frequent class gives 50.0 %.",
			"No limit shows in these figures.",
		]);
	});

	test("is that nothing was learned where predictions are unrelated to the labels, however high the accuracy", () => {
		const [judgement] = verdictOf(
			recordsWith({
				evaluation: {
					confusionMatrix: [
						[900, 0],
						[100, 0],
					],
				},
			}),
		);
		assert.match(judgement, /^Nothing was learned: accuracy is 90\.0 %/);
	});

	test("names each limit by its figure, and only where the figure shows it", () => {
		const shown: [Parameters<typeof recordsWith>[0], RegExp][] = [
			[
				history({ valLoss: [0.5, 0.4, 0.3, 0.25, 0.2], epochsRun: 5 }),
				/still improving in its last epoch, 5: try --epochs 10/,
			],
			[
				{ training: { parameters: { epochs: 5, backbone: "none" } } },
				/^A network from scratch classifies 90\.0 %: if these are photographs, .* --backbone efficientnet-lite0\.$/,
			],
			[history({ acc: [0.99], valAcc: [0.9] }), /its 4000 training images better than others, by \+9\.0 points/],
			[duplicates(["train", "test"], ["cracked"]), /^1 set of .* in several splits/],
			[duplicates(["train"], ["cracked", "intact"]), /^1 set of .* in several classes/],
			[
				{
					evaluation: {
						confusionMatrix: [
							[350, 150],
							[10, 490],
						],
					},
				},
				/^70\.0 % of the images of cracked are found, 98\.0 % of the others: more images of cracked, of which 2000/,
			],
			[
				{
					evaluation: {
						confusionMatrix: [
							[45, 5],
							[5, 45],
						],
					},
				},
				/^With 100 test images the accuracy is known to ± 6 points/,
			],
		];
		for (const [changes, expected] of shown) {
			const limits = limitsOf(changes);
			assert.equal(limits.length, 1, String(expected));
			assert.match(limits[0], expected);
		}
		const hidden = [
			history({ valLoss: [0.5, 0.4, 0.3], epochsRun: 3 }),
			history({ acc: [0.93], valAcc: [0.9] }),
			duplicates(["train"], ["cracked"]),
			{
				evaluation: {
					confusionMatrix: [
						[450, 50],
						[40, 460],
					],
				},
			},
			{ cleaning: null, issues: null },
		];
		for (const changes of hidden) assert.deepEqual(limitsOf(changes), ["No limit shows in these figures."]);
	});

	test("is empty without an evaluation, and without test images", () => {
		assert.deepEqual(verdictOf(recordsWith({ evaluation: null })), []);
		assert.deepEqual(verdictOf(recordsWith({ training: null })), []);
		assert.deepEqual(
			verdictOf(
				recordsWith({
					evaluation: {
						confusionMatrix: [
							[0, 0],
							[0, 0],
						],
					},
				}),
			),
			[],
		);
	});

	test("knows a class without test images", () => {
		const [judgement] = verdictOf(
			recordsWith({
				evaluation: {
					confusionMatrix: [
						[0, 0],
						[1, 29],
					],
				},
			}),
		);
		assert.match(judgement, /^Nothing was learned/);
	});
});
