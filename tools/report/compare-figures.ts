// The figures of two runs, one by one: equal, within the interval of the first, or different.

import { SPLITS } from "../../src/images/folders";
import { proportionConfint } from "../../src/metrics";
import { mean, sum } from "../../src/support/statistics";
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
	/** Whether it is a result; the epochs of a curve are on the way there. */
	isResult: boolean;
}

/** A figure of a run, with its 95 % interval if it has one. */
type Known = [name: string, value: Value | undefined, interval?: Interval];

/** Compares all figures of the first run with those of the second. */
export function compareFigures(before: RunRecord, now: RunRecord): Figure[] {
	const others = new Map(figuresOf(now).map(([name, value]) => [name, value]));
	const epochs = new Set(curveFigures(before).map(([name]) => name));
	return figuresOf(before).map(([name, value, interval]) => {
		const other = others.get(name);
		return { name, before: value, now: other, verdict: verdictOf(value, other, interval), isResult: !epochs.has(name) };
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

type Row = NonNullable<RunRecord["reportRows"]>[number];
const SCORES = { precision: "precision", recall: "recall", f1: "F1" } as const;
type Score = keyof typeof SCORES;
type Intervals = Partial<Record<Score, Interval>>;

/** The rows of the classes have intervals of their own; those of the averages lie between the averages of these. */
function reportFigures({ reportRows, confusionMatrix, classNames, test }: RunRecord): Known[] {
	const rows = reportRows ?? [];
	const classes = rows.slice(0, classNames?.length ?? 0);
	const ofClasses = classes.map((row, i) =>
		classIntervals(row, confusionMatrix ? sum(confusionMatrix.map((counts) => counts[i])) : 0),
	);
	const ofAverage = ({ class: name }: Row): Intervals => {
		const { accuracyInterval } = (test ?? {}) as Partial<Test>;
		if (name === "accuracy") return Object.fromEntries(Object.keys(SCORES).map((score) => [score, accuracyInterval]));
		const weights = classes.map(({ support }) => (name.startsWith("weighted") ? support : 1));
		return averageIntervals(ofClasses, weights);
	};
	return rows.flatMap((row, i) => {
		const intervals = ofClasses[i] ?? ofAverage(row);
		return (Object.keys(SCORES) as Score[]).map(
			(score): Known => [`${row.class}, ${SCORES[score]}`, row[score], intervals[score]],
		);
	});
}

/**
 * Precision and recall are shares of images, and have Wilson's interval; F1 lies between those of their ends.
 *
 * @param predicted images that were predicted as the class
 */
function classIntervals({ precision, recall, support }: Row, predicted: number): Intervals {
	const share = (value: Value, of: number) =>
		value !== null && of > 0 ? proportionConfint(Math.round(value * of), of) : undefined;
	const [ofPrecision, ofRecall] = [share(precision, predicted), share(recall, support)];
	if (!ofPrecision || !ofRecall) return { precision: ofPrecision, recall: ofRecall };
	const f1 = {
		low: harmonicMean(ofPrecision.low, ofRecall.low),
		high: harmonicMean(ofPrecision.high, ofRecall.high),
	};
	return { precision: ofPrecision, recall: ofRecall, f1 };
}

/** Returns the weighted means of the bounds; nothing for a score that a class has no interval of. */
function averageIntervals(ofClasses: Intervals[], weights: number[]): Intervals {
	const averaged = (Object.keys(SCORES) as Score[]).flatMap((score) => {
		const intervals = ofClasses.flatMap((known) => known[score] ?? []);
		if (intervals.length < ofClasses.length) return [];
		const bound = (name: keyof Interval) =>
			mean(
				intervals.map((interval) => interval[name]),
				weights,
			);
		return [[score, { low: bound("low"), high: bound("high") }]];
	});
	return Object.fromEntries(averaged);
}

const harmonicMean = (a: number, b: number) => (2 * a * b) / (a + b || 1);

/**
 * Accuracies are shares of images; a loss may differ as much, in proportion, as that of the test images. The epochs of a
 * curve have 95 % together: one of many is outside of its own interval easily.
 */
function curveFigures({ history, counts, test }: RunRecord): Known[] {
	const { loss, lossInterval } = (test ?? {}) as Partial<Test>;
	const alpha = 0.05 / Math.max(1, history.valAcc?.length ?? 1);
	const intervals: Record<string, (value: number) => Interval | undefined> = {
		acc: (value) => shareInterval(value, counts.train, alpha),
		valAcc: (value) => shareInterval(value, counts.valid, alpha),
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

const shareInterval = (value: number, images: number | null, alpha: number) =>
	images ? proportionConfint(Math.round(value * images), images, { alpha }) : undefined;
