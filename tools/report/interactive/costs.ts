// The cost of mistakes by threshold.
import { claim } from "../../../src/display/claims";
import * as metrics from "../../../src/metrics";
import { mean } from "../../../src/support/statistics";
import { printable } from "../../../src/support/text";
import { figure, table } from "./parts";
import type { Context } from "./recompute";

/** Probabilities after temperature scaling. */
interface Scaled {
	scaled: number[][];
	validScaled: number[][];
}

export function* costParts(context: Context, { scaled, validScaled }: Scaled) {
	const { test, valid, classNames, positiveClass, costs, resampled } = context;
	const { falseNegative, falsePositive } = costs;
	const costsAt = (threshold: number, truth: number[], proba: number[][]) =>
		truth.map((label, i) => {
			const isFound = proba[i][positiveClass] >= threshold;
			if (label === positiveClass) return isFound ? 0 : falseNegative;
			return isFound ? falsePositive : 0;
		});
	const onValid = (threshold: number) => mean(costsAt(threshold, valid.yTrue, validScaled));
	const thresholds = Array.from({ length: 101 }, (_, i) => i / 100);
	const [validCosts, testCosts] = [
		thresholds.map(onValid),
		thresholds.map((threshold) => mean(costsAt(threshold, test.yTrue, scaled))),
	];
	const theory = falsePositive / (falsePositive + falseNegative);
	yield figure({
		data: [
			{ name: "validation", x: thresholds, y: validCosts },
			{ name: "test", x: thresholds, y: testCosts },
			{ name: "theory", x: [theory, theory], y: [0, Math.max(...testCosts)] },
		],
		layout: { title: { text: `Mean cost by threshold for ${classNames[positiveClass]}` } },
	});
	const ties = thresholds.filter((_, i) => validCosts[i] === Math.min(...validCosts));
	const rules = {
		"everything positive": 0,
		theory,
		"tuned on validation": ties[Math.floor(ties.length / 2)],
		usual: 0.5,
	};
	const rows = Object.entries(rules).map(([rule, threshold]) => {
		const each = costsAt(threshold, test.yTrue, scaled);
		const { value, low, high } = resampled((i) => mean(metrics.pick(each, i)));
		const row = { rule, threshold, "cost on validation": onValid(threshold), "cost on test": value, low, high };
		return { each, row };
	});
	yield table(rows.map(({ row }) => row));
	const [everything, byTheory, , usual] = rows;
	const difference = (a: typeof usual, b: typeof usual) =>
		a.each.every((cost, i) => cost === b.each[i])
			? 0
			: resampled((i) => mean(metrics.pick(a.each, i)) - mean(metrics.pick(b.each, i)));
	const claims = [
		claim("The threshold of theory costs less than 0.5", difference(byTheory, usual), { below: 0 }),
		claim("The threshold of theory costs less than calling everything positive", difference(byTheory, everything), {
			below: 0,
		}),
	];
	const [theoryCost, usualCost, everythingCost] = [byTheory, usual, everything].map(({ row }) =>
		row["cost on test"].toFixed(3),
	);
	const sentence = `A threshold of ${theory.toFixed(2)} for ${printable(classNames[positiveClass])} costs ${theoryCost} per image, one of 0.5 ${usualCost}, calling everything positive ${everythingCost}:`;
	return { claims, sentence };
}
