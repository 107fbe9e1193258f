// Learning curves: how accurate a model becomes with the labels that a way of choosing images asks for.
import { stratifiedSample } from "../datasets/stratified-sample";
import type { LabelledFile } from "../datasets/types";
import { shuffled } from "../support/iteration";
import { checkInterrupt } from "../support/kernel";
import { requirePositiveIntegers } from "../support/numbers";
import type { FeatureMatrix } from "./features";
import { type LabelNextMethod, labelNext } from "./label-next";
import type { Fit } from "./out-of-fold";

/** A point of a learning curve. */
export interface LearningPoint {
	/** Number of labelled images that the model was trained on. */
	labels: number;
	/** Fraction of the validation images that it predicts right, 0–1. */
	accuracy: number;
}

/** A way of choosing images; `"random"` is what the others are compared with. */
export type LearningMethod = LabelNextMethod | "random";

export interface LearningCurvesOptions {
	/** How images are chosen, see `labelNext`: a curve for each. */
	methods: readonly LearningMethod[];
	/** Numbers of labels at which a model is trained, ascending. The first images are drawn at random, class by class. */
	labels: number[];
	/** Random seed of the first images, of random choices and of `fit`. */
	seed: number;
	/** Features of the pool, a row for each file; not needed for `"random"` and `"uncertainty"`. */
	features?: FeatureMatrix;
	/** Called after each training, with the method that chose the images. Default: nothing. */
	onTrained?: (method: LearningMethod) => void;
}

/** A trained model's accuracy, and its probabilities for the images that have no label yet. */
type Trained = { point: LearningPoint; unlabelled: number[]; probabilities: number[][] };

/**
 * Simulates active learning on images whose labels are known: a model is trained on a few of them, the next ones are chosen
 * and added with their labels, and so on. All curves begin with the same images, and the same first model.
 *
 * @param pool files with the labels that are asked for
 * @param validation files by which the accuracy is measured
 * @param fit trains and predicts: `featureClassifier(…)`, `cnnClassifier(…)`, or a function of one's own
 * @returns the points of each curve, by its method
 * @throws when numbers of labels do not ascend, or there are fewer files
 */
export async function learningCurves<Method extends LearningMethod>(
	pool: LabelledFile[],
	validation: LabelledFile[],
	fit: Fit,
	{ methods, labels, seed, features, onTrained = () => {} }: LearningCurvesOptions & { methods: readonly Method[] },
): Promise<Record<Method, LearningPoint[]>> {
	for (const count of labels) requirePositiveIntegers({ labels: count });
	if (labels.length === 0 || labels.some((count, i) => count <= (labels[i - 1] ?? 0) || count > pool.length))
		throw new Error(`labels is ${labels.join(", ")}: expected ascending numbers up to the ${pool.length} images`);
	const trained = async (known: Set<number>, method: LearningMethod): Promise<Trained> => {
		await checkInterrupt();
		const unlabelled = [...pool.keys()].filter((i) => !known.has(i));
		const filesOf = (indices: Iterable<number>) => [...indices].map((i) => pool[i]);
		const rows = await fit(filesOf(known), [...validation, ...filesOf(unlabelled)], seed);
		onTrained(method);
		const hits = validation.filter(({ label }, i) => rows[i].indexOf(Math.max(...rows[i])) === label).length;
		const point = { labels: known.size, accuracy: hits / validation.length };
		return { point, unlabelled, probabilities: rows.slice(validation.length) };
	};
	const first = firstOf(pool, labels[0], seed);
	const start = await trained(first, methods[0]);
	const curves: [Method, LearningPoint[]][] = [];
	for (const method of methods) {
		const known = new Set(first);
		const points = [start.point];
		let latest = start;
		for (const count of labels.slice(1)) {
			for (const i of chosen(latest, count - known.size, { method, known, features, seed })) known.add(i);
			latest = await trained(known, method);
			points.push(latest.point);
		}
		curves.push([method, points]);
	}
	return Object.fromEntries(curves) as Record<Method, LearningPoint[]>;
}

type Choice = { method: LearningMethod; known: Set<number>; features?: FeatureMatrix; seed: number };

/** Chooses the images to label next, by their indices. */
function chosen(
	{ unlabelled, probabilities }: Trained,
	count: number,
	{ method, known, features, seed }: Choice,
): number[] {
	if (method === "random") return shuffled(unlabelled, `${seed}/label-next/${known.size}`).slice(0, count);
	const rows = features && { features: rowsOf(features, unlabelled), labelled: rowsOf(features, [...known]) };
	return labelNext({ probabilities, ...rows }, count, { method }).map((i) => unlabelled[i]);
}

/** Draws the images that have a label from the start, by their indices. */
function firstOf(pool: LabelledFile[], count: number, seed: number): Set<number> {
	const indices = pool.map((_, i) => String(i));
	const drawn = stratifiedSample({ filePaths: indices, labels: pool.map(({ label }) => label) }, count, seed);
	return new Set(drawn.slice(0, count).map(({ path }) => Number(path)));
}

function rowsOf({ values, length }: FeatureMatrix, rows: number[]): FeatureMatrix {
	const chosen = new Float32Array(rows.length * length);
	rows.forEach((row, i) => {
		chosen.set(values.subarray(row * length, (row + 1) * length), i * length);
	});
	return { values: chosen, images: rows.length, length };
}
