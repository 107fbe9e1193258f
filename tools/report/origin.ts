// Where a run's figures come from: the images, the code, the locked dependencies, and which defaults were changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fingerprints } from "../../src/datasets/fingerprint";
import { JOURNAL, readJournal } from "../../src/datasets/journal";
import { SPLITS } from "../../src/images/folders";
import { sha256OfFile, statOrNull } from "../../src/support/files";
import { counted } from "../../src/support/format";
import {
	listOf,
	mapOf,
	matching,
	number,
	objectOf,
	optional,
	orNull,
	record,
	type Schema,
	text,
} from "../../src/support/schema";
import type { NotebookArguments, Value } from "../run/arguments";
import { at, root } from "../setup/paths.mjs";

/** The images of a class in a split. */
export interface DataOrigin {
	split: string;
	class: string;
	images: number;
	/** SHA-256 of their names and contents. */
	sha256: string;
}

/** Where the figures of a run come from. */
export interface Origin {
	/** Images by split and class, after cleaning; null when they could not be read. */
	data: DataOrigin[] | null;
	code: {
		/** Commit of this checkout; null where it is none of Git's. */
		commit: string | null;
		/** Whether files differ from that commit; null where there is none. */
		isChanged: boolean | null;
	};
	/** SHA-256 of the files that pin what was installed, by name. */
	locks: Record<string, string>;
	/** Parameters that were given another value than their default. */
	changed: Record<string, { value: Value; default: Value }>;
	/** The label journal that the images were read with; null without one, missing in records of schema 1. */
	journal?: { sha256: string; decisions: number } | null;
	/** SHA-256 of the predictions in the page of the evaluation; null without any, missing in records of schema 1. */
	predictions?: { sha256: string } | null;
}

const sha256 = matching(/^[0-9a-f]{64}$/, "a SHA-256");
const label = text(10_000);
const count = number(0, Number.MAX_SAFE_INTEGER);

const ORIGIN: Schema<Origin> = {
	data: orNull(listOf(objectOf<DataOrigin>({ split: label, class: label, images: count, sha256 }))),
	code: record,
	locks: mapOf(sha256),
	changed: mapOf(record),
	journal: optional(orNull(objectOf({ sha256, decisions: count }))),
	predictions: optional(orNull(objectOf({ sha256 }))),
};

/** Accepts the origin of a run. */
export const isOrigin = objectOf(ORIGIN);

/** The files that pin what is installed. */
const LOCKS = ["package-lock.json", "requirements.txt", "requirements-tensorflow.txt", "requirements-gpu.txt"];

/**
 * Collects where the figures of a run come from.
 *
 * @param predictions the predictions as the pages hold them; null without any
 */
export async function originOf(
	{ dataset, declared, values }: NotebookArguments,
	predictions: string | null,
): Promise<Origin> {
	const splits = SPLITS.filter((split) => statOrNull(`${dataset}/${split}`));
	const defaults = new Map(Object.values(declared).flatMap((parameters) => [...parameters]));
	const changed = Object.entries(values).flatMap(([name, value]) => {
		const known = defaults.get(name);
		return known && known.value !== value ? [[name, { value, default: known.value }] as const] : [];
	});
	const locks = LOCKS.map(async (name) => [name, await sha256OfFile(at(name))] as const);
	return {
		data: await fingerprints(dataset, splits).catch(() => null),
		code: codeOrigin(),
		locks: Object.fromEntries(await Promise.all(locks)),
		changed: Object.fromEntries(changed),
		journal: await journalOf(join(dataset, JOURNAL)),
		predictions: predictions === null ? null : { sha256: createHash("sha256").update(predictions).digest("hex") },
	};
}

const journalOf = async (file: string): Promise<Origin["journal"]> =>
	existsSync(file) ? { sha256: await sha256OfFile(file), decisions: readJournal(file).decisions.length } : null;

/** The commit of this checkout. */
function codeOrigin(): Origin["code"] {
	const git = (...args: string[]) => {
		const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
		return status === 0 ? stdout.trim() : null;
	};
	// A copy inside of another repository is none of its commits.
	const top = git("rev-parse", "--show-toplevel");
	const isOwn = top !== null && existsSync(top) && realpathSync(top) === realpathSync(root);
	const commit = isOwn ? git("rev-parse", "HEAD") : null;
	const changes = commit && git("status", "--porcelain", "--untracked-files=no");
	return { commit, isChanged: changes === null ? null : changes !== "" };
}

/** The origin of a run as rows of a table: what, and a short form of it. */
export const originRows = ({ data, code, locks, journal }: Origin): [string, string][] => [
	["Commit", code.commit ? `${code.commit.slice(0, 12)}${code.isChanged ? ", files changed" : ""}` : "unknown"],
	...(data ?? []).map((row): [string, string] => [
		`Images, ${row.split}/${row.class}`,
		`${row.images}, SHA-256 ${row.sha256.slice(0, 12)}…`,
	]),
	...(journal
		? [
				["Label journal", `${counted(journal.decisions, "decision")}, SHA-256 ${journal.sha256.slice(0, 12)}…`] as [
					string,
					string,
				],
			]
		: []),
	...Object.entries(locks).map(([name, hash]): [string, string] => [name, `SHA-256 ${hash.slice(0, 12)}…`]),
];

/** What differs between two origins, a sentence each; what one of them does not have is not compared. */
export function differencesOf(before: Partial<Origin>, now: Origin): string[] {
	return [
		...dataDifferences(before.data, now.data),
		...journalDifferences(before, now),
		...codeDifferences(before.code, now.code),
		...lockDifferences(before, now),
	];
}

function dataDifferences(before: Origin["data"] | undefined, now: Origin["data"]): string[] {
	if (!before || !now) return [];
	const key = ({ split, class: name }: DataOrigin) => JSON.stringify([split, name]);
	const known = new Map(before.map((row) => [key(row), row]));
	const present = new Set(now.map(key));
	const differ = now.flatMap((row) => {
		const other = known.get(key(row));
		if (!other) return [`data: ${row.split}/${row.class} was not there`];
		if (other.sha256 === row.sha256) return [];
		const images = other.images === row.images ? "other images" : `${row.images} images instead of ${other.images}`;
		return [`data: ${row.split}/${row.class} has ${images}`];
	});
	const missing = before.filter((row) => !present.has(key(row)));
	return [...differ, ...missing.map((row) => `data: ${row.split}/${row.class} is missing`)];
}

function journalDifferences({ journal: before }: Partial<Origin>, { journal: now }: Origin): string[] {
	if (before === undefined || before?.sha256 === now?.sha256) return [];
	const decisions = (journal: Origin["journal"]) => (journal ? counted(journal.decisions, "decision") : "none");
	return [`labels: another journal, with ${decisions(now)} instead of ${decisions(before)}`];
}

function codeDifferences(before: Origin["code"] | undefined, now: Origin["code"]): string[] {
	if (!before?.commit) return ["code: the run does not know its commit"];
	const lines =
		before.commit === now.commit ? [] : [`code: commit ${now.commit ?? "unknown"} instead of ${before.commit}`];
	if (before.isChanged) lines.push("code: the run's files differed from its commit, and nothing knows how");
	if (now.isChanged) lines.push("code: files here differ from the commit");
	return lines;
}

const lockDifferences = ({ locks = {} }: Partial<Origin>, now: Origin): string[] =>
	Object.entries(now.locks).flatMap(([name, hash]) =>
		Object.hasOwn(locks, name) && locks[name] !== hash ? [`dependencies: ${name} is another`] : [],
	);
