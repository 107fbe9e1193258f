// The figures of two runs, one by one: equal, within the interval of the first, or different.

import { SPLITS } from "../../src/images/folders";
import { proportionConfint } from "../../src/metrics";
import { sum } from "../../src/support/statistics";
import type { RunRecord } from "./run-record";

type Value = number | null;
interface Interval {
	low: number;
	high: number;
}

/** A figure of two runs. */
export interface Figure {
	name: string;
	before: Value | undefined;
	now: Value | undefined;
	verdict: "equal" | "within" | "different";
}

/** A figure of a run, with its 95 % interval if it has one. */
type Known = [name: string, value: Value | undefined, interval?: Interval];

/** Compares all figures of the first run with those of the second. */
export function compareFigures(before: RunRecord, now: RunRecord): Figure[] {
	const others = new Map(figuresOf(now).map(([name, value]) => [name, value]));
	return figuresOf(before).map(([name, value, interval]) => {
		const other = others.get(name);
		return { name, before: value, now: other, verdict: verdictOf(value, other, interval) };
	});
}

function verdictOf(before: Value | undefined, now: Value | undefined, interval?: Interval): Figure["verdict"] {
	if (Object.is(before ?? null, now ?? null)) return "equal";
	const isWithin = interval && typeof now === "number" && now >= interval.low && now <= interval.high;
	return isWithin ? "within" : "different";
}

type Test = RunRecord["test"] & { accuracyInterval?: Interval; lossInterval?: Interval };

function figuresOf(run: RunRecord): Known[] {
	const test = run.test as Test;
	return [
		["test accuracy", test?.accuracy, test?.accuracyInterval],
		["test loss", test?.loss, test?.lossInterval],
		["epochs", run.epochsRun],
		...SPLITS.map((split): Known => [`images, ${split}`, run.counts[split]]),
		...matrixFigures(run),
		...reportFigures(run),
		...curveFigures(run),
	];
}

const matrixFigures = ({ confusionMatrix, classNames }: RunRecord): Known[] =>
	(confusionMatrix ?? []).flatMap((row, i) =>
		row.map((count, j): Known => [`${classNames?.[i]} as ${classNames?.[j]}`, count, countInterval(count, sum(row))]),
	);

/** Of a share of so many images, as a number of them. */
function countInterval(count: number, of: number): Interval {
	const { low, high } = proportionConfint(count, of);
	return { low: low * of, high: high * of };
}

/** Precision and recall are shares of images, and have Wilson's interval; F1 lies between those of their ends. */
function reportFigures({ reportRows, confusionMatrix, classNames }: RunRecord): Known[] {
	const classes = classNames?.length ?? 0;
	return (reportRows ?? []).flatMap(({ class: name, precision, recall, f1, support }, i): Known[] => {
		const predicted = i < classes && confusionMatrix ? sum(confusionMatrix.map((row) => row[i])) : 0;
		const share = (value: Value, of: number) =>
			value !== null && of > 0 && i < classes ? proportionConfint(Math.round(value * of), of) : undefined;
		const [ofPrecision, ofRecall] = [share(precision, predicted), share(recall, support)];
		const ofF1 =
			ofPrecision && ofRecall
				? { low: harmonicMean(ofPrecision.low, ofRecall.low), high: harmonicMean(ofPrecision.high, ofRecall.high) }
				: undefined;
		return [
			[`${name}, precision`, precision, ofPrecision],
			[`${name}, recall`, recall, ofRecall],
			[`${name}, F1`, f1, ofF1],
		];
	});
}

const harmonicMean = (a: number, b: number) => (2 * a * b) / (a + b || 1);

/** Accuracies are shares of images; a loss may differ as much, in proportion, as that of the test images. */
function curveFigures({ history, counts, test }: RunRecord): Known[] {
	const { loss, lossInterval } = (test ?? {}) as Partial<Test>;
	const intervals: Record<string, (value: number) => Interval | undefined> = {
		acc: (value) => shareInterval(value, counts.train),
		valAcc: (value) => shareInterval(value, counts.valid),
	};
	const ofLoss = (value: number) =>
		loss && lossInterval
			? { low: (value * lossInterval.low) / loss, high: (value * lossInterval.high) / loss }
			: undefined;
	return Object.entries(history).flatMap(([name, values]) =>
		(values ?? []).map(
			(value, epoch): Known => [`${name}, epoch ${epoch + 1}`, value, (intervals[name] ?? ofLoss)(value)],
		),
	);
}

const shareInterval = (value: number, images: number | null) =>
	images ? proportionConfint(Math.round(value * images), images) : undefined;
