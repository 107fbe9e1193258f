// Which images each kind of suspect proposes, and why.
import { join, resolve } from "node:path";
import type { DuplicateSet } from "../cleaning/duplicates";
import { toClassName } from "../datasets/classes";
import { percent } from "../support/format";
import { quantile } from "../support/statistics";
import { findLabelIssues } from "./label-issues";
import { type Neighbours, outlierScores } from "./neighbours";

/** Why an image is looked at. The last two are unlabelled images: of a confident prediction, and to be labelled one by one. */
export type SuspectKind =
	| "label issue"
	| "label conflict"
	| "leak"
	| "near duplicate"
	| "outlier"
	| "least certain"
	| "pseudo-label"
	| "unlabelled";

/** An image that is worth a look, by its index. */
export interface Proposal {
	image: number;
	kind: SuspectKind;
	/** Label that it should perhaps have. */
	suggested: number | null;
	/** 0 (worst) to 1. */
	score: number;
	why: string;
	/** Paths of images to compare it with, before its nearest ones. */
	related: string[];
}

/** What proposals are made of. */
export interface Reviewed {
	paths: string[];
	labels: number[];
	classNames: string[];
	/** Out-of-fold probabilities `[images][classes]`; null if unknown. */
	probabilities: number[][] | null;
	/** null if features are unknown. */
	neighbours: Neighbours | null;
	/** Sets of duplicates, and the data set's folder that their paths are in. */
	duplicates: DuplicateSet[];
	dataset: string;
}

/** Sets of more images are alike by their subject, not copies. */
const LARGEST_SET = 9;
/** cleanlab's threshold of outliers in its `Datalab`, for features. */
const OUTLIER_THRESHOLD = 0.37037;

/** Proposes label issues: `findLabelIssues` by self confidence, with the most probable class. */
export function labelIssues({ labels, classNames, probabilities }: Reviewed): Proposal[] {
	if (!probabilities || new Set(labels).size < 2) return [];
	return findLabelIssues(labels, probabilities, { rankedBy: "selfConfidence" }).map((image) => {
		const row = probabilities[image];
		const [best] = ranked(row);
		const [own, other] = [labels[image], best].map((label) => `${classNames[label]} ${percent(row[label])}`);
		const why = `A model that has not seen it says ${other}, ${own}.`;
		return { image, kind: "label issue", suggested: best, score: clipped(row[labels[image]]), why, related: [] };
	});
}

/**
 * Proposes the images between whose two most probable classes the margin is small (margin sampling, Scheffer et al., 2001):
 * below a half.
 */
export function leastCertain({ labels, classNames, probabilities }: Reviewed): Proposal[] {
	return (probabilities ?? []).flatMap((row, image): Proposal[] => {
		const [best, second] = ranked(row);
		if (!(row[best] - row[second] < 0.5)) return [];
		const [one, two] = [best, second].map((label) => `${classNames[label]} ${percent(row[label])}`);
		const why = `A model that has not seen it hesitates: ${one}, ${two}.`;
		const suggested = best === labels[image] ? null : best;
		return [{ image, kind: "least certain", suggested, score: clipped(row[best] - row[second]), why, related: [] }];
	});
}

/**
 * Proposes outliers: images farther from their nearest neighbours than usual, by cleanlab's threshold (`Datalab`): the third
 * quartile and 1.7 interquartile ranges. The score is cleanlab's, e to the power of minus distance by median distance.
 */
export function outliers({ paths, neighbours }: Reviewed): Proposal[] {
	if (!neighbours || paths.length < 3) return [];
	const distances = outlierScores(neighbours);
	const sorted = Float64Array.from(distances).sort();
	const [first, median, third] = [0.25, 0.5, 0.75].map((at) => quantile(sorted, at));
	const usual = Math.max(median, 1e-6);
	return distances.flatMap((distance, image): Proposal[] => {
		if (!(distance > third + (1 / OUTLIER_THRESHOLD - 1) * (third - first))) return [];
		const why = `Unlike the others: its nearest images are ${(distance / usual).toFixed(1)} times as far away as usual.`;
		return [{ image, kind: "outlier", suggested: null, score: Math.exp(-distance / usual), why, related: [] }];
	});
}

/**
 * Proposes the images of duplicate sets: of a label conflict all, of a leak those that are not in the training split, if that
 * is among the images too, and of other sets all but the first.
 */
export function duplicatesIn(reviewed: Reviewed): Proposal[] {
	const indices = new Map(reviewed.paths.map((path, i) => [resolve(path), i]));
	return reviewed.duplicates.flatMap((set) => {
		if (set.paths.length > LARGEST_SET) return [];
		const members = set.paths.map((path) => memberOf(path, set, reviewed, indices));
		const kind = kindOf(members);
		const own = members.filter(({ image }) => image !== null);
		const outside = own.filter(({ split }) => split !== "train");
		const leaked = outside.length > 0 ? outside : own;
		const proposed = { "label conflict": own, leak: leaked, "near duplicate": own.slice(1) }[kind];
		return proposed.map((member) => duplicateOf(member, members, kind, set, reviewed));
	});
}

/** An image of a duplicate set; `image` is null if it is not among those that are reviewed. */
type Member = { path: string; image: number | null; relative: string; split: string; label: string };
type DuplicateKind = "label conflict" | "leak" | "near duplicate";

function memberOf(
	relative: string,
	{ splits }: DuplicateSet,
	reviewed: Reviewed,
	indices: Map<string, number>,
): Member {
	const { paths, labels, classNames, dataset } = reviewed;
	const absolute = resolve(join(dataset, relative));
	const image = indices.get(absolute) ?? null;
	const [first, second] = relative.split(/[\\/]/);
	const isSplit = splits.some((split) => split !== "");
	// A label may have been corrected since the sets were found.
	const label = image === null ? toClassName(isSplit ? second : first) : classNames[labels[image]];
	return { path: image === null ? absolute : paths[image], image, relative, split: isSplit ? first : "", label };
}

function kindOf(members: Member[]): DuplicateKind {
	if (members.some(({ label }) => label !== members[0].label)) return "label conflict";
	return members.some(({ split }) => split !== members[0].split) ? "leak" : "near duplicate";
}

function duplicateOf(
	member: Member,
	members: Member[],
	kind: DuplicateKind,
	set: DuplicateSet,
	reviewed: Reviewed,
): Proposal {
	const image = member.image as number;
	const others = members.filter((other) => other !== member);
	const key = kind === "label conflict" ? "label" : "split";
	const shown = others.find((other) => other[key] !== member[key]) ?? others[0];
	const endings = { "label conflict": `, labelled ${shown.label}`, leak: ", of another split", "near duplicate": "" };
	return {
		...{ image, kind, why: `${LOOKS[set.kind]} ${shown.relative}${endings[kind]}.` },
		suggested: kind === "label conflict" ? predictedOther(reviewed, image) : null,
		score: duplicateScore(reviewed, kind, set, image),
		related: [shown, ...others.filter((other) => other !== shown)].map(({ path }) => path),
	};
}

const LOOKS: Record<DuplicateSet["kind"], string> = {
	exact: "The same file as",
	near: "Looks like",
	mirrored: "A mirrored copy of",
	turned: "A turned copy of",
};
/** The predicted class, if it is not that of the label. */
function predictedOther({ labels, probabilities }: Reviewed, image: number): number | null {
	if (!probabilities) return null;
	const [best] = ranked(probabilities[image]);
	return best === labels[image] ? null : best;
}

/** Of a label conflict the probability of the label; else how far from being the same the nearest image is. */
function duplicateScore(
	{ labels, probabilities, neighbours }: Reviewed,
	kind: DuplicateKind,
	set: DuplicateSet,
	image: number,
): number {
	if (kind === "label conflict" && probabilities) return clipped(probabilities[image][labels[image]]);
	if (set.kind === "exact") return 0;
	return neighbours ? clipped(1 - (neighbours.similarities[image][0] ?? 1)) : 0.5;
}

/** The classes, the most probable first. */
const ranked = (row: number[]) => [...row.keys()].sort((a, b) => row[b] - row[a]);

const clipped = (score: number) => Math.min(1, Math.max(0, score));
