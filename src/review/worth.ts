// What corrections of a data set are worth: training with and without them, paired by seed.
import { type Interval, meanConfint } from "../metrics/mean";
import { checkInterrupt } from "../support/kernel";

/** Options of `worthOf`. */
export interface WorthOptions<T> {
	/** Random seeds, two or more: each trains every variant once. */
	seeds: number[];
	/**
	 * Trains on a variant of the data and returns its score on the test set, 0–1, which is the same for all variants.
	 *
	 * @param data the variant's data
	 */
	trainAndScore(data: T, seed: number): Promise<number> | number;
	/** Called after each training. Default: nothing. */
	onProgress?: (done: number, trainings: number) => void;
}

/** What a variant of the data is worth. */
export interface Worth {
	/** Name of the variant, such as `"12 labels corrected"`. */
	name: string;
	/** Score of each seed, 0–1. */
	scores: number[];
	/** Mean difference to the first variant, with its 95 % t interval over the seeds. */
	difference: Interval;
	/** Whether the interval contains 0: the difference may be luck. */
	isLuck: boolean;
	/** For example `"12 labels corrected: +1.8 points (95 %: +0.4 to +3.1, 5 seeds)"`. */
	sentence: string;
}

/**
 * Measures what changes of the training data are worth: a model is trained on each variant with each seed, and compared, seed
 * by seed, with the one on the unchanged data (paired t interval, `scipy.stats.ttest_rel(…).confidence_interval()`).
 *
 * @param variants data by the variant's name; the first is what the others are compared with
 * @returns one element for each variant but the first
 * @throws when there are less than two variants or seeds, or a score is no number
 */
export async function worthOf<T>(
	variants: Record<string, T>,
	{ seeds, trainAndScore, onProgress }: WorthOptions<T>,
): Promise<Worth[]> {
	const names = Object.keys(variants);
	if (names.length < 2) throw new Error(`there is one variant, ${names[0]}: expected another to compare it with`);
	if (new Set(seeds).size < 2) throw new Error(`seeds are ${seeds.join(", ")}: expected two or more, to know the luck`);
	const scores = new Map<string, number[]>(names.map((name) => [name, []]));
	let done = 0;
	for (const seed of seeds) {
		for (const name of names) {
			await checkInterrupt();
			const score = await trainAndScore(variants[name], seed);
			if (!Number.isFinite(score))
				throw new Error(`the score of ${name} with seed ${seed} is ${score}: expected a number`);
			scores.get(name)?.push(score);
			onProgress?.(++done, names.length * seeds.length);
		}
	}
	const [base, ...others] = names.map((name) => ({ name, scores: scores.get(name) as number[] }));
	return others.map((variant) => compared(variant.name, variant.scores, base.scores));
}

function compared(name: string, scores: number[], base: number[]): Worth {
	const difference = meanConfint(scores.map((score, i) => score - base[i]));
	const isLuck = difference.low <= 0 && difference.high >= 0;
	const [value, low, high] = [difference.value, difference.low, difference.high].map(signed);
	const interval = `95 %: ${low} to ${high}, ${scores.length} seeds`;
	const sentence = `${name}: ${value} points (${interval})${isLuck ? ": within luck" : ""}`;
	return { name, scores, difference, isLuck, sentence };
}

/** Formats a difference of fractions in percentage points: `"+1.5"`. */
function signed(difference: number): string {
	const rounded = Number((100 * difference).toFixed(1));
	return `${["−", "", "+"][Math.sign(rounded) + 1]}${Math.abs(rounded).toFixed(1)}`;
}
