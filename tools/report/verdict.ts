// What a run says of its data: whether the classes can be told apart, what limits the result, and what to do next.
import { chanceWarning, majorityScore } from "../../src/evaluation/chance";
import { proportionConfint, proportionDifferenceConfint } from "../../src/metrics";
import type { CleaningRecord, EvaluationRecord, IssuesRecord, TrainingRecord } from "../../src/pipeline/records";
import { counted, percent, points } from "../../src/support/format";
import { sum } from "../../src/support/statistics";
import { GAP } from "../../src/training/diagnose";

/** The records that a verdict is drawn from; without an evaluation there is none. */
export interface Records {
	cleaning: CleaningRecord | null;
	issues: IssuesRecord | null;
	training: TrainingRecord | null;
	evaluation: Pick<EvaluationRecord, "confusionMatrix"> | null;
}

/** Half the width of the interval of the test accuracy above which there are too few test images to compare two runs. */
const WIDE = 0.04;

/**
 * Judges the data of a run in sentences, each with the figure that it follows from: first whether the network tells the
 * classes apart, then what limits the result, each with what to do.
 */
export function verdictOf({ cleaning, issues, training, evaluation }: Records): string[] {
	if (!evaluation || !training) return [];
	const rows = evaluation.confusionMatrix;
	if (sum(rows.flat()) === 0) return [];
	const limits = [
		unfinished(training),
		fromScratch(rows, training),
		memorised(training, cleaning),
		weakest(rows, training.classNames, cleaning),
		leaks(issues),
		conflicts(issues),
		testImages(rows),
	].filter((limit) => limit !== null);
	return [learned(rows), ...(limits.length > 0 ? limits : ["No limit shows in these figures."])];
}

function learned(rows: number[][]): string {
	const { yTrue, yPred } = labelsOf(rows);
	const warning = chanceWarning({ yTrue, yPred });
	if (warning) return warning;
	const { accuracy, images, interval } = testAccuracy(rows);
	const majority = `always predicting the most frequent class gives ${percent(majorityScore(yTrue))}`;
	return `The images are good enough to tell the classes apart: test accuracy is ${percent(accuracy)} (${interval}, ${images} images), ${majority}.`;
}

/** The accuracy of a confusion matrix, and Wilson's interval: as text, and half its width. */
export function testAccuracy(rows: number[][]) {
	const [hits, images] = [sum(rows.map((row, label) => row[label])), sum(rows.flat())];
	const { low, high } = proportionConfint(hits, images);
	const interval = `95 %: ${percent(low)} to ${percent(high)}`;
	return { accuracy: hits / images, images, interval, half: (high - low) / 2 };
}

/** The labels that a confusion matrix counts, in some order. */
function labelsOf(rows: number[][]) {
	const pairs = rows.flatMap((row, label) =>
		row.flatMap((count, predicted) => Array.from({ length: count }, () => [label, predicted])),
	);
	return { yTrue: pairs.map(([label]) => label), yPred: pairs.map(([, predicted]) => predicted) };
}

function unfinished({ history, parameters }: TrainingRecord): string | null {
	const { valLoss } = history;
	const isLastBest = valLoss.length > 1 && valLoss.every((loss) => loss >= (valLoss.at(-1) as number));
	if (!isLastBest || history.epochsRun < parameters.epochs) return null;
	return `Training was still improving in its last epoch, ${history.epochsRun}: try --epochs ${2 * parameters.epochs}.`;
}

/** Below this accuracy a network from scratch is compared with a pretrained one. */
const GOOD = 0.95;

function fromScratch(rows: number[][], { parameters }: TrainingRecord): string | null {
	const { accuracy } = testAccuracy(rows);
	if (hasBackbone(parameters) || accuracy >= GOOD) return null;
	return `A network from scratch classifies ${percent(accuracy)}: if these are photographs, try a pretrained one, --backbone efficientnet-lite0.`;
}

/** Records of before have no backbone. */
const hasBackbone = ({ backbone = "none" }: Partial<TrainingRecord["parameters"]>) => backbone !== "none";

/** Training accuracy in `history` is the mean of an epoch, with dropout and augmentation: a gap to it is a lower bound. */
function memorised({ history, parameters }: TrainingRecord, cleaning: CleaningRecord | null): string | null {
	const { acc, valAcc } = history;
	const [seen, unseen] = ["train", "valid"].map((split) => imagesOf(cleaning, (count) => count.split === split));
	if (acc.length === 0 || !seen || !unseen) return null;
	const [trained, validated] = [acc, valAcc].map((curve) => curve.at(-1) as number);
	const gap = proportionDifferenceConfint(trained * seen, seen, validated * unseen, unseen);
	if (!(gap.value > GAP && gap.low > 0)) return null;
	return `The network knows its ${seen} training images better than others, by ${points(gap.value)}: more images${hasBackbone(parameters) ? "" : ", more augmentation or a pretrained backbone"}.`;
}

/** The class that is found less often than the others, beyond chance. */
function weakest(rows: number[][], classNames: string[], cleaning: CleaningRecord | null): string | null {
	const sizes = rows.map(sum);
	const recalls = rows.map((row, label) => row[label] / sizes[label]);
	const known = recalls.filter((recall) => !Number.isNaN(recall));
	const label = recalls.indexOf(Math.min(...known));
	const others = sum(sizes) - sizes[label];
	const othersHits = sum(rows.map((row, i) => (i === label ? 0 : row[i])));
	const difference = proportionDifferenceConfint(othersHits, others, rows[label][label], sizes[label]);
	if (!(difference.low > 0)) return null;
	const name = classNames[label];
	const trained = imagesOf(cleaning, (count) => count.split === "train" && count.class === name);
	const hits = `${percent(recalls[label])} of the images of ${name} are found, ${percent(othersHits / others)} of the others`;
	return `${hits}: more images of ${name}${trained === null ? "" : `, of which ${trained} are there to train with`}.`;
}

function leaks(issues: IssuesRecord | null): string | null {
	const sets = issues?.duplicates.filter(({ splits }) => splits.length > 1) ?? [];
	if (sets.length === 0) return null;
	return `${counted(sets.length, "set")} of copies or look-alikes in several splits may flatter the score: notebook 01 shows them, 05 the accuracy without them.`;
}

function conflicts(issues: IssuesRecord | null): string | null {
	const sets = issues?.duplicates.filter(({ classes }) => classes.length > 1) ?? [];
	if (sets.length === 0) return null;
	return `${counted(sets.length, "set")} of copies or look-alikes in several classes: look at their labels in notebook 01.`;
}

function testImages(rows: number[][]): string | null {
	const { images, half } = testAccuracy(rows);
	if (half <= WIDE) return null;
	return `With ${counted(images, "test image")} the accuracy is known to ± ${(100 * half).toFixed(0)} points only: more of them before two runs are compared.`;
}

function imagesOf(
	cleaning: CleaningRecord | null,
	isMeant: (count: CleaningRecord["counts"][number]) => boolean,
): number | null {
	return cleaning && sum(cleaning.counts.filter(isMeant).map(({ images }) => images));
}
