// The review queue: images whose label or place in the data set a person should look at, `findSuspects`.
import { resolve } from "node:path";
import type { DuplicateSet } from "../cleaning/duplicates";
import type { LabelledFile } from "../datasets/types";
import type { FeatureMatrix } from "./features";
import { nearestNeighbours } from "./neighbours";
import {
	duplicatesIn,
	labelIssues,
	leastCertain,
	outliers,
	type Proposal,
	type Reviewed,
	type SuspectKind,
} from "./proposals";

/** An image that a person should look at. */
export interface Suspect {
	/** Path of the image, as it was given. */
	path: string;
	/** Name of its class; null for an unlabelled image. */
	label: string | null;
	/** Name of the class that it should perhaps have. */
	suggested: string | null;
	kind: SuspectKind;
	/** 0 (worst) to 1; comparable within a kind. */
	score: number;
	/** One short sentence. */
	why: string;
	/** Paths of the most similar images, the nearest first; its copies before others. */
	neighbours: string[];
}

/** What is known of the images of a data set. */
export interface SuspectSources {
	/** The images to review, with their labels. */
	files: LabelledFile[];
	/** Names of the classes; a label is an index into them. */
	classNames: string[];
	/** Out-of-fold probabilities `[images][classes]`, see `outOfFoldProbabilities`. Default: no label issues and uncertain ones. */
	probabilities?: number[][];
	/** Features, a row for each file, see `featuresOf`. Default: no outliers and no nearest images. */
	features?: FeatureMatrix;
	/** Duplicate sets of `findIssues`. Default: none. */
	duplicates?: DuplicateSet[];
	/** The folder in which `findIssues` found them. Default: the working directory. */
	dataset?: string;
}

export interface SuspectOptions {
	/** Most images of each kind; 0 for none of it. Default 50. */
	most?: number | Partial<Record<SuspectKind, number>>;
	/** Paths of images that are not proposed, such as those that have been looked at. Default: none. */
	except?: Iterable<string>;
	/** Number of `neighbours` of a suspect. Default 5. */
	neighbours?: number;
}

/** The kinds in the order in which they are looked at: wrong labels first. */
const KINDS: SuspectKind[] = ["label issue", "label conflict", "leak", "near duplicate", "outlier", "least certain"];
/** Neighbours by which outliers are found, as cleanlab's `OutOfDistribution`. */
const K = 10;

/**
 * Finds the images that a person should look at, and ranks them: label issues, label conflicts, leaks, near duplicates,
 * outliers, and last those of which a model is least certain; within a kind the worst first. It is what cleanlab's `Datalab`
 * reports, as one queue.
 *
 * @returns one entry for each image, by the first of its kinds
 * @throws when there is not one row of probabilities or features for each file
 */
export async function findSuspects(sources: SuspectSources, options: SuspectOptions = {}): Promise<Suspect[]> {
	const { most = 50, except = [], neighbours: shown = 5 } = options;
	const reviewed = await reviewedOf(sources, Math.max(K, shown));
	const all = [labelIssues, duplicatesIn, outliers, leastCertain].flatMap((propose) => propose(reviewed));
	const left = new Set([...except].map((path) => resolve(path)));
	const taken = new Set(reviewed.paths.flatMap((path, i) => (left.has(resolve(path)) ? [i] : [])));
	return KINDS.flatMap((kind) => {
		const limit = typeof most === "number" ? most : (most[kind] ?? 50);
		const own = all.filter((proposal) => proposal.kind === kind).sort((a, b) => a.score - b.score);
		const chosen: Proposal[] = [];
		for (const proposal of own) {
			if (chosen.length >= limit) break;
			if (taken.has(proposal.image)) continue;
			taken.add(proposal.image);
			chosen.push(proposal);
		}
		return chosen.map((proposal) => toSuspect(proposal, reviewed, shown));
	});
}

async function reviewedOf(sources: SuspectSources, k: number): Promise<Reviewed> {
	const { files, classNames, probabilities = null, features, duplicates = [], dataset = "" } = sources;
	for (const [name, rows] of [
		["probabilities", probabilities?.length],
		["features", features?.images],
	] as const) {
		if (rows !== undefined && rows !== files.length)
			throw new Error(`there are ${rows} rows of ${name} for ${files.length} files: expected one for each`);
	}
	return {
		paths: files.map(({ path }) => path),
		labels: files.map(({ label }) => label),
		...{ classNames, probabilities, duplicates, dataset },
		neighbours: features ? await nearestNeighbours(features, k) : null,
	};
}

function toSuspect(proposal: Proposal, { paths, labels, classNames, neighbours }: Reviewed, shown: number): Suspect {
	const { image, suggested, kind, score, why, related } = proposal;
	const nearest = neighbours?.indices[image].map((index) => paths[index]) ?? [];
	return {
		path: paths[image],
		label: classNames[labels[image]],
		suggested: suggested === null ? null : classNames[suggested],
		...{ kind, score, why },
		neighbours: [...new Set([...related, ...nearest])].slice(0, shown),
	};
}
