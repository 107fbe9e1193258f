// The label journal: decisions on images, `labels.jsonl` beside the splits. Images never move; a later decision on an image
// replaces an earlier one, and an undone one is as if it had never been made.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { splitOf, UNLABELLED } from "../images/folders";
import { isReadable, sha256OfFile, versionOfFile } from "../support/files";
import { appendJsonLines } from "../support/json-lines";
import { integer, matching, objectOf, optional, orNull, text } from "../support/schema";
import { writeError } from "../support/writing";
import { toClassName } from "./classes";

/** The file of the journal, in the data set's folder. */
export const JOURNAL = "labels.jsonl";

/** A decision on an image: a line of the journal. */
export interface Decision {
	/** SHA-256 of the image's content: what the decision is about. */
	sha256: string;
	/** Size of the file, by which a renamed one is found. */
	bytes: number;
	/** Path in the data set's folder, with `/` and the usual name of the split, for example `"train/cat/1.jpg"`. */
	path: string;
	/** Its class at the time; null for an unlabelled image. */
	from: string | null;
	/** Its class from now on; `from` if the label is confirmed, null if the image is left out. */
	to: string | null;
	/** What proposed to look at it, for example `"label issue"`. */
	proposedBy: string;
	/** When it was made, ISO 8601 in UTC. */
	time: string;
	note?: string;
}

/** A line that takes the decision on an image back. */
interface Undo {
	sha256: string;
	path: string;
	undo: true;
	time: string;
}

const label = text(10_000);
const sha256 = matching(/^[0-9a-f]{64}$/, "a SHA-256");
const time = matching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, "a time such as 2026-01-31T12:00:00.000Z");
const isDecision = objectOf<Decision>({
	...{ sha256, path: label, from: orNull(label), to: orNull(label), proposedBy: label, time, note: optional(label) },
	bytes: integer(0, Number.MAX_SAFE_INTEGER),
});
const isUndo = objectOf<Omit<Undo, "undo">>({ sha256, path: label, time });

/** What a journal says. */
export interface JournalContent {
	/** The decisions that hold, one for each image, in the order of their times. */
	decisions: Decision[];
	/** Lines that are no decisions, such as one that was cut off; they are skipped. */
	damaged: number;
}

/**
 * Reads a journal. Of two decisions on the same image the one with the later time holds, so that journals can be merged in
 * any order of their lines.
 *
 * @returns no decisions when there is no such file
 * @throws when the file is none, or cannot be read
 */
export function readJournal(file: string): JournalContent {
	const { held, damaged } = readLines(file);
	return { decisions: [...held.values()], damaged };
}

/** What the lines of a journal say. */
interface Lines {
	/** The decisions that hold, by `keyOf`. */
	held: Map<string, Decision>;
	/** The last of them for each path. */
	byPath: Map<string, Decision>;
	/** The time of the last line on each path. */
	times: Map<string, string>;
	damaged: number;
}

/** What was read of each file, by its version: a panel asks for each image. */
const known = new Map<string, { version: string | null; lines: Lines }>();

function readLines(file: string): Lines {
	const version = versionOfFile(file);
	const earlier = known.get(file);
	if (earlier && version !== null && earlier.version === version) return earlier.lines;
	const { entries, damaged } = readEntries(file);
	const held = new Map<string, Decision>();
	for (const entry of entries) {
		held.delete(keyOf(entry));
		if (!("undo" in entry)) held.set(keyOf(entry), entry);
	}
	const byPath = new Map([...held.values()].map((decision) => [decision.path, decision]));
	const times = new Map(entries.map(({ path, time }) => [path, time]));
	const lines = { held, byPath, times, damaged };
	known.set(file, { version, lines });
	return lines;
}

/** Reads the valid lines of a journal in the order of their times. */
function readEntries(file: string): { entries: (Decision | Undo)[]; damaged: number } {
	if (!existsSync(file)) return { entries: [], damaged: 0 };
	if (!isReadable(file)) throw new Error(`${file} is not a regular file, or too large: move it away`);
	const lines = readFileSync(file, "utf8").split("\n").filter(Boolean).map(parsed);
	const entries = lines.filter((line) => line !== null);
	entries.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
	return { entries, damaged: lines.length - entries.length };
}

const keyOf = ({ sha256, path }: Pick<Decision, "sha256" | "path">) => `${sha256} ${path}`;

function parsed(line: string): Decision | Undo | null {
	try {
		const value = JSON.parse(line);
		const isValid = value?.undo === true ? isUndo(value) === null : isDecision(value) === null;
		return isValid ? value : null;
	} catch {
		return null;
	}
}

/** Returns the data set's folder of one that is read: the one above a split's, or the folder itself. */
export function datasetOf(directory: string): string {
	const folder = resolve(directory);
	return splitOf(folder) ? dirname(folder) : folder;
}

/** Returns the path of an image as the journal has it. */
export function journalPath(dataset: string, path: string): string {
	const [first, ...rest] = relative(resolve(dataset), resolve(path)).split(sep);
	return [rest.length > 0 ? (splitOf(first) ?? first) : first, ...rest].join("/").normalize("NFC");
}

/** What is decided on an image: its class, null to leave it out, or its present class to confirm it. */
export interface Choice {
	path: string;
	to: string | null;
	proposedBy: string;
	note?: string;
}

/** A journal that is written to. */
export interface Journal {
	/** The journal's file. */
	file: string;
	/**
	 * Records a decision on an image. The line is in the file when the promise resolves.
	 *
	 * @throws when the image cannot be read, or the journal cannot be written
	 */
	decide(choice: Choice): Promise<Decision>;
	/** Records decisions on several images at once; none when one of the images cannot be read. Throws as `decide`. */
	decideAll(choices: readonly Choice[]): Promise<Decision[]>;
	/** Takes the decision on an image back; nothing happens where there is none. */
	undo(path: string): Promise<void>;
	/** Takes the decisions on several images back at once. */
	undoAll(paths: readonly string[]): Promise<void>;
	/** Returns the decision on an image that holds; null if there is none. */
	decisionOf(path: string): Decision | null;
	/** Returns all decisions that hold. */
	decisions(): Decision[];
}

/**
 * Opens the journal of a data set. Decisions are appended as whole lines, so that several notebooks can write to one
 * journal, and a kernel that is killed loses nothing.
 *
 * @param dataset the data set's folder
 * @param options `file`: the journal's file, for a data set that cannot be written to; default `labels.jsonl` in its folder
 */
export function openJournal(dataset: string, { file = join(dataset, JOURNAL) } = {}): Journal {
	const find = (path: string) => readLines(file).byPath.get(journalPath(dataset, path)) ?? null;
	const decideAll = async (choices: readonly Choice[]) => {
		const hashes: string[] = [];
		for (const { path } of choices) hashes.push(await sha256OfFile(path));
		const decisions = choices.map(({ path, to, proposedBy, note }, i): Decision => {
			const recorded = journalPath(dataset, path);
			return {
				...{ sha256: hashes[i], bytes: statSync(path).size, path: recorded },
				from: find(path)?.to ?? folderClass(recorded),
				...{ to, proposedBy, time: timeFor(file, recorded), ...(note && { note }) },
			};
		});
		append(file, decisions);
		return decisions;
	};
	const undoAll = async (paths: readonly string[]) => {
		const held = paths.map(find).filter((decision) => decision !== null);
		append(
			file,
			held.map(({ sha256, path }): Undo => ({ sha256, path, undo: true, time: timeFor(file, path) })),
		);
	};
	return {
		...{ file, decideAll, undoAll },
		decide: async (choice) => (await decideAll([choice]))[0],
		undo: (path) => undoAll([path]),
		decisionOf: find,
		decisions: () => readJournal(file).decisions,
	};
}

/** Returns whether a path of a journal is that of an unlabelled image. */
export const isUnlabelled = (path: string) => path.startsWith(`${UNLABELLED}/`);

/** The class of the folder that an image is in; null for an unlabelled one. */
function folderClass(path: string): string | null {
	if (isUnlabelled(path)) return null;
	const [first, second] = path.split("/");
	return toClassName(splitOf(first) ? second : first);
}

/** Now, or just after a line on the same image that is not older, as of another machine's clock: the new line counts. */
function timeFor(file: string, path: string): string {
	const last = readLines(file).times.get(path);
	return new Date(Math.max(Date.now(), last ? Date.parse(last) + 1 : 0)).toISOString();
}

function append(file: string, lines: (Decision | Undo)[]): void {
	if (lines.length === 0) return;
	try {
		appendJsonLines(file, lines);
	} catch (error) {
		throw writeError(file, error);
	}
}
