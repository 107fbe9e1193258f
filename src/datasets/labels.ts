// The labels that a journal's decisions give to the files of an index.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { splitFolder, splitOf, unlabelledImages } from "../images/folders";
import { isReadable, versionOfFile } from "../support/files";
import { toClassName } from "./classes";
import { type Decision, datasetOf, isUnlabelled, JOURNAL, journalPath, readJournal } from "./journal";
import type { ImageDatasetOptions, Index, LabelledFile } from "./types";

/** What a journal has changed. */
export interface Applied {
	/** The journal's file. */
	file: string;
	/** Images with another class than that of their folder. */
	corrected: number;
	/** Images of the `unlabelled` folder that have a class. */
	labelled: number;
	/** Images that are left out. */
	excluded: number;
	/** Why decisions do not count, a line each. */
	ignored: string[];
}

/**
 * Applies the decisions of a data set's journal to the files of an index: other labels, and files that are left out. To those
 * of `train` it adds the unlabelled images that have been given a class, but not to a validation subset of it. A decision is
 * about a file's content: one that has changed has the class of its folder again, one that was moved or whose folder was
 * renamed is found.
 *
 * @param options `labels: "folders"` applies none; `journal` is another file; `subset` is what `index` is of its folder
 * @throws when a class has no images left
 */
export function withJournal(
	index: Index,
	{ labels = "journal", journal, subset }: Pick<ImageDatasetOptions, "labels" | "journal" | "subset"> = {},
): Index & { applied: Applied | null } {
	const dataset = datasetOf(index.directory);
	const file = journal ?? join(dataset, JOURNAL);
	if (labels === "folders" || !existsSync(file)) return { ...index, applied: null };
	const { decisions, damaged } = readJournal(file);
	const isTraining = splitOf(index.directory) === "train" && subset !== "validation";
	const unlabelled = isTraining && decisions.some(({ path }) => isUnlabelled(path)) ? unlabelledImages(dataset) : [];
	const given: GivenFile[] = [...index.files, ...unlabelled.map((path) => ({ path, label: null }))];
	const { found, changed } = locate(decisions, given, index.directory);
	const classes = new Map(index.classNames.map((name, label) => [name, label]));
	const unknown = new Map<string, number>();
	const applied: Applied = { file, corrected: 0, labelled: 0, excluded: 0, ignored: [] };
	const files = given.flatMap(({ path, label: before }): LabelledFile[] => {
		const asBefore = before === null ? [] : [{ path, label: before }];
		const decision = found.get(path);
		if (!decision) return asBefore;
		if (decision.to === null) {
			applied.excluded += asBefore.length;
			return [];
		}
		const name = toClassName(decision.to);
		const label = classes.get(name);
		if (label === undefined) unknown.set(name, (unknown.get(name) ?? 0) + 1);
		if (label === undefined || label === before) return asBefore;
		applied[before === null ? "labelled" : "corrected"]++;
		return [{ path, label }];
	});
	if (damaged > 0) applied.ignored.push(`${damaged} lines are no decisions`);
	if (changed > 0) applied.ignored.push(`${changed} files have changed since their decision: review them again`);
	for (const [name, images] of unknown)
		applied.ignored.push(`${images} decisions are for the class ${name}, which is no folder`);
	requireAll(index, files, file);
	// Class by class, as without a journal.
	files.sort((a, b) => a.label - b.label);
	return { ...index, files, applied };
}

/** A file of an index, or an unlabelled one. */
type GivenFile = { path: string; label: number | null };

/** Finds the file of each decision: at its path with its content, or else wherever its content is. */
function locate(decisions: Decision[], files: GivenFile[], directory: string) {
	const split = splitOf(directory);
	const dataset = datasetOf(directory);
	const paths = new Map(files.map(({ path }) => [journalPath(dataset, path), path]));
	const isOwn = ({ path }: Decision) => !split || path.startsWith(`${split}/`) || paths.has(path);
	const found = new Map<string, Decision>();
	const missing: Decision[] = [];
	let changed = 0;
	for (const decision of decisions) {
		const path = paths.get(decision.path);
		if (!isOwn(decision)) {
			// Another split of the same images can have put it here.
			if (isGone(dataset, decision)) missing.push(decision);
		} else if (!path) missing.push(decision);
		else if (sha256AtOnce(path) === decision.sha256) found.set(path, decision);
		else changed++;
	}
	for (const [path, decision] of moved(missing, files, found)) found.set(path, decision);
	return { found, changed };
}

/** Whether the file of a decision is not where it was. */
function isGone(dataset: string, { path }: Decision): boolean {
	const [split, ...rest] = path.split("/");
	return !existsSync(join(splitFolder(dataset, split), ...rest));
}

/** Finds files that are elsewhere now, by size and content. */
function* moved(missing: Decision[], files: GivenFile[], found: Map<string, Decision>): Generator<[string, Decision]> {
	const sizes = new Set(missing.map(({ bytes }) => bytes));
	if (sizes.size === 0) return;
	const candidates = files.filter(({ path }) => !found.has(path) && sizes.has(statSync(path).size));
	const byContent = new Map(candidates.map(({ path }) => [sha256AtOnce(path), path]));
	for (const decision of missing) {
		const path = byContent.get(decision.sha256);
		if (path) yield [path, decision];
		byContent.delete(decision.sha256);
	}
}

/** Returns the SHA-256 of one of the few files that decisions are about; null for one that cannot be read. */
function sha256AtOnce(path: string): string | null {
	if (!isReadable(path)) return null;
	const earlier = hashes.get(path);
	const version = versionOfFile(path);
	if (earlier && earlier.version === version) return earlier.sha256;
	const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
	hashes.set(path, { version, sha256 });
	return sha256;
}

const hashes = new Map<string, { version: string | null; sha256: string }>();

function requireAll({ classNames, directory }: Index, files: LabelledFile[], journal: string): void {
	const present = new Set(files.map(({ label }) => label));
	const empty = classNames.find((_, label) => !present.has(label));
	if (empty !== undefined)
		throw new Error(
			`${journal} leaves no images of ${empty} in ${directory}: take decisions back with npm run dataset -- --undo, or read with labels: "folders"`,
		);
}

/** Says in a line what a journal has changed; null if nothing. */
export function sentenceOf({ file, corrected, labelled, excluded, ignored }: Applied): string | null {
	const changes = [
		corrected > 0 && `${corrected} label${corrected === 1 ? "" : "s"} corrected`,
		labelled > 0 && `${labelled} unlabelled image${labelled === 1 ? "" : "s"} labelled`,
		excluded > 0 && `${excluded} image${excluded === 1 ? "" : "s"} left out`,
		...ignored,
	].filter(Boolean);
	return changes.length > 0 ? `${file}: ${changes.join(", ")}.` : null;
}
