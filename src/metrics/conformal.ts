// Split-conformal prediction sets: the classes that an image may have, with a stated coverage.
import { type Probabilities, requireProbabilities } from "./inputs";

/**
 * How unusual a class is for an image, from 0 to 1: `"lac"` 1 minus its probability (Sadinle et al., 2019), with the
 * smallest sets; `"aps"` the probability of all classes that are at least as probable (Romano et al., 2020), with sets that
 * grow with the difficulty of the image.
 */
export type ConformityScore = "lac" | "aps";

export interface ConformalOptions {
	/** Fraction of new images whose set holds their class, above 0 and below 1. Default 0.9, as in MAPIE. */
	coverage?: number;
	/** Default `"lac"`. */
	method?: ConformityScore;
	/** Whether the coverage holds for each class by itself (Mondrian). Default false: for all images together. */
	perClass?: boolean;
}

/** What `fitConformal` finds. */
export interface Conformal {
	method: ConformityScore;
	coverage: number;
	/**
	 * The greatest score of each class that is still in a set; `Infinity` where there are too few images for the coverage: then
	 * each set has the class.
	 */
	thresholds: number[];
}

/**
 * Fits prediction sets on images that the model was not trained on: split-conformal prediction (Angelopoulos & Bates, 2021),
 * MAPIE's `SplitConformalClassifier`. If new images are like these, their sets hold their class at least as often as
 * `coverage` says, whatever the model.
 *
 * @param yTrue true label of each image
 * @param yProba probabilities `[images][classes]`, 0–1
 * @throws when the lengths differ, rows are no probabilities, or `coverage` is out of its range
 */
export function fitConformal(
	yTrue: ArrayLike<number>,
	yProba: Probabilities,
	{ coverage = 0.9, method = "lac", perClass = false }: ConformalOptions = {},
): Conformal {
	if (!(coverage > 0 && coverage < 1))
		throw new Error(`coverage is ${coverage}: expected a number above 0 and below 1, for example 0.95`);
	const { rows } = requireProbabilities(yTrue, yProba);
	const own = rows.map((row, i) => scoresOf(Array.from(row), method)[yTrue[i]]);
	const classes = Array.from({ length: rows[0].length }, (_, label) => label);
	const ofClass = (label: number) => own.filter((_, i) => yTrue[i] === label);
	const thresholds = perClass
		? classes.map((label) => conformalQuantile(ofClass(label), coverage))
		: classes.map(() => conformalQuantile(own, coverage));
	return { method, coverage, thresholds };
}

/**
 * Returns the prediction set of each image: the labels whose score is within the threshold, the most probable first. With
 * `"lac"` a set can be empty: no class is usual for such an image.
 *
 * @param yProba probabilities `[images][classes]`, 0–1, of the model that the sets were fitted for
 */
export function predictionSets(yProba: ArrayLike<ArrayLike<number>>, { method, thresholds }: Conformal): number[][] {
	return Array.from(yProba, (given) => {
		const row = Array.from(given);
		if (row.length !== thresholds.length)
			throw new Error(`there are ${row.length} probabilities: the sets were fitted for ${thresholds.length} classes`);
		const scores = scoresOf(row, method);
		return byProbability(row).filter((label) => scores[label] <= thresholds[label]);
	});
}

const byProbability = (row: number[]) => [...row.keys()].sort((a, b) => row[b] - row[a]);

/** The score of each class of an image. */
function scoresOf(row: number[], method: ConformityScore): number[] {
	if (method === "lac") return row.map((p) => 1 - p);
	const scores = row.map(() => 0);
	let total = 0;
	for (const label of byProbability(row)) {
		total += row[label];
		scores[label] = total;
	}
	return scores;
}

/**
 * Returns the conformal quantile of scores, the k-th smallest for k = ⌈(n + 1) · coverage⌉: another score of the same
 * distribution is within it at least as often as `coverage` says.
 *
 * @param coverage fraction, above 0 and below 1
 * @returns `Infinity` where there are too few scores for the coverage
 */
export function conformalQuantile(scores: readonly number[], coverage: number): number {
	// Without the rounding errors of the product, which would count one image more.
	const k = Math.ceil(Number(((scores.length + 1) * coverage).toPrecision(12)));
	return k > scores.length ? Number.POSITIVE_INFINITY : [...scores].sort((a, b) => a - b)[k - 1];
}
