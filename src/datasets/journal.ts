// The label journal: decisions on images, `labels.jsonl` beside the splits. Images never move; a later decision on an image
// replaces an earlier one, and an undone one is as if it had never been made.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { splitOf } from "../images/folders";
import { isReadable, sha256OfFile, versionOfFile } from "../support/files";
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
	/** Its class at the time. */
	from: string;
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
	...{ sha256, path: label, from: label, to: orNull(label), proposedBy: label, time, note: optional(label) },
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

/** The valid lines of a journal in the order of their times, and the decisions that hold, by `keyOf`. */
interface Lines {
	entries: (Decision | Undo)[];
	held: Map<string, Decision>;
	/** The last of them for each path. */
	byPath: Map<string, Decision>;
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
	const lines = { entries, held, byPath, damaged };
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

/** A journal that is written to. */
export interface Journal {
	/** The journal's file. */
	file: string;
	/**
	 * Records a decision on an image: its class, null to leave it out, or its present class to confirm it. The line is in the
	 * file when the promise resolves.
	 *
	 * @throws when the image cannot be read, or the journal cannot be written
	 */
	decide(decision: { path: string; to: string | null; proposedBy: string; note?: string }): Promise<Decision>;
	/** Takes the decision on an image back; nothing happens where there is none. */
	undo(path: string): Promise<void>;
	/** Returns the decision on an image that holds; null if there is none. */
	decisionOf(path: string): Decision | null;
	/** Returns all decisions that hold. */
	decisions(): Decision[];
}

/**
 * Opens the journal of a data set. Each decision is appended as a whole line, so that several notebooks can write to one
 * journal, and a kernel that is killed loses nothing.
 *
 * @param dataset the data set's folder
 * @param options `file`: the journal's file, for a data set that cannot be written to; default `labels.jsonl` in its folder
 */
export function openJournal(dataset: string, { file = join(dataset, JOURNAL) } = {}): Journal {
	const find = (path: string) => readLines(file).byPath.get(journalPath(dataset, path)) ?? null;
	return {
		file,
		async decide({ path, to, proposedBy, note }) {
			const recorded = journalPath(dataset, path);
			const decision: Decision = {
				sha256: await sha256OfFile(path),
				bytes: statSync(path).size,
				path: recorded,
				from: find(path)?.to ?? folderClass(recorded),
				...{ to, proposedBy, time: timeFor(file, recorded), ...(note && { note }) },
			};
			append(file, decision);
			return decision;
		},
		async undo(path) {
			const decision = find(path);
			if (!decision) return;
			const { sha256, path: recorded } = decision;
			append(file, { sha256, path: recorded, undo: true, time: timeFor(file, recorded) } satisfies Undo);
		},
		decisionOf: find,
		decisions: () => readJournal(file).decisions,
	};
}

/** The class of the folder that an image is in. */
function folderClass(path: string): string {
	const [first, second] = path.split("/");
	return toClassName(splitOf(first) ? second : first);
}

/** Now, or just after a line on the same image that is not older, as of another machine's clock: the new line counts. */
function timeFor(file: string, path: string): string {
	const last = readLines(file).entries.findLast((entry) => entry.path === path);
	return new Date(Math.max(Date.now(), last ? Date.parse(last.time) + 1 : 0)).toISOString();
}

/** Appends a line in one write, on a line of its own even where the last one was cut off. */
function append(file: string, line: Decision | Undo): void {
	try {
		const journal = openSync(file, "a+");
		try {
			const { size } = fstatSync(journal);
			const last = Buffer.alloc(1);
			if (size > 0) readSync(journal, last, 0, 1, size - 1);
			const isWhole = size === 0 || last.toString() === "\n";
			writeSync(journal, `${isWhole ? "" : "\n"}${JSON.stringify(line)}\n`);
		} finally {
			closeSync(journal);
		}
	} catch (error) {
		throw writeError(file, error);
	}
}
