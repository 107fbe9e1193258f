// Pseudo-labels (Lee, 2013): the classes that a network proposes for unlabelled images. A person confirms them.
import { percent } from "../support/format";
import { labelNext } from "./label-next";
import type { Suspect } from "./suspects";

/** Unlabelled images with the classes that are proposed for them. */
export interface LabelProposals {
	/** Those whose prediction is confident, class by class, the most confident first: for `reviewPages`. */
	confident: Suspect[];
	/** The others, in the order of `labelNext` by uncertainty: for `reviewPanel`, one by one. */
	uncertain: Suspect[];
}

export interface LabelProposalsOptions {
	/** Names of the classes, in the order of the probabilities. */
	classNames: readonly string[];
	/**
	 * Least probability of the predicted class with which it is a confident one, 0–1: that of the point at which
	 * `pointForErrorRate` keeps the error rate on validation images. null where there is no such point: none is confident.
	 */
	threshold: number | null;
}

/**
 * Proposes for each unlabelled image its predicted class (pseudo-label; Lee, 2013), and tells confident predictions from
 * those that a person should look at one by one.
 *
 * @param paths paths of the unlabelled images, such as those of `unlabelledImages`
 * @param probabilities calibrated as those that the threshold was chosen by, `[images][classes]`, 0–1
 * @throws when there is not one row of probabilities for each image and one column for each class, or the threshold is none
 */
export function proposeLabels(
	paths: readonly string[],
	probabilities: number[][],
	{ classNames, threshold }: LabelProposalsOptions,
): LabelProposals {
	requireRows(paths, probabilities, classNames);
	if (threshold !== null && !(threshold >= 0 && threshold <= 1))
		throw new Error(`threshold is ${threshold}: expected 0 to 1, such as that of pointForErrorRate, or null`);
	const predicted = probabilities.map((row) => row.indexOf(Math.max(...row)));
	const confidence = probabilities.map((row, i) => row[predicted[i]]);
	const isConfident = (i: number) => threshold !== null && confidence[i] >= threshold;
	const order = paths.length > 0 ? labelNext({ probabilities }, paths.length, { method: "uncertainty" }) : [];
	const proposed = (i: number, kind: Suspect["kind"]): Suspect => ({
		...{ path: paths[i], label: null, suggested: classNames[predicted[i]], kind, score: confidence[i], neighbours: [] },
		why: `The network says ${twoMostProbable(probabilities[i], classNames)}.`,
	});
	const confident = [...paths.keys()].filter(isConfident);
	confident.sort((a, b) => predicted[a] - predicted[b] || confidence[b] - confidence[a]);
	return {
		confident: confident.map((i) => proposed(i, "pseudo-label")),
		uncertain: order.filter((i) => !isConfident(i)).map((i) => proposed(i, "unlabelled")),
	};
}

function requireRows(paths: readonly string[], probabilities: number[][], classNames: readonly string[]): void {
	if (probabilities.length !== paths.length)
		throw new Error(
			`there are ${probabilities.length} rows of probabilities for ${paths.length} images: expected one for each`,
		);
	probabilities.forEach((row, i) => {
		if (row.length !== classNames.length || row.length === 0)
			throw new Error(
				`${paths[i]} has ${row.length} probabilities: expected ${classNames.length}, one for each of the classes ${classNames.join(", ")}`,
			);
		const wrong = row.find((p) => !(p >= 0 && p <= 1));
		if (wrong !== undefined) throw new Error(`${paths[i]} has the probability ${wrong}: expected numbers of 0 to 1`);
	});
}

function twoMostProbable(row: number[], classNames: readonly string[]): string {
	const ranked = [...row.keys()].sort((a, b) => row[b] - row[a]);
	return ranked
		.slice(0, 2)
		.map((i) => `${classNames[i]} ${percent(row[i])}`)
		.join(", ");
}
