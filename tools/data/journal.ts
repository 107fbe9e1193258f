// The decisions of a label journal, applied to a copy of the data set or taken back: `npm run dataset -- --apply DIR`, `--undo`.
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, extname, join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { indexDirectory } from "../../src/datasets/directory";
import { JOURNAL, openJournal } from "../../src/datasets/journal";
import { sentenceOf, withJournal } from "../../src/datasets/labels";
import { SPLITS, splitFolder } from "../../src/images/folders";
import { requireFolder, statOrNull } from "../../src/support/files";
import { counted } from "../../src/support/format";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { at, fromHere, shown } from "../setup/paths.mjs";

/** Returns whether the arguments of `npm run dataset` are about a journal. */
export const isAboutJournal = (args: string[]): boolean => args.some((arg) => /^--(apply|undo)(=|$)/.test(arg));

/** Writes a corrected copy, or takes decisions back. */
export async function main(args: string[]): Promise<void> {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: { apply: { type: "string" }, undo: { type: "boolean" }, dataset: { type: "string" } },
	});
	const dataset = values.dataset ? fromHere(values.dataset) : at("dataset");
	requireFolder(dataset, "read");
	if (!existsSync(join(dataset, JOURNAL)))
		throw new Error(`${shown(dataset)} has no ${JOURNAL}: npm run review makes decisions`);
	if (values.apply !== undefined && !values.undo && positionals.length === 0) apply(dataset, fromHere(values.apply));
	else if (values.undo && values.apply === undefined && positionals.length > 0) await undo(dataset, positionals);
	else
		throw new Error(
			`expected --apply FOLDER, or --undo IMAGE… or --undo all: ${commands.dataset.usage.replaceAll("\n", " or ")}`,
		);
}

/** Copies the images to a new folder, each to the class that was decided for it. What is there is not touched. */
function apply(dataset: string, into: string): void {
	if (existsSync(into) && readdirSync(into).length > 0)
		throw new Error(`${shown(into)} is not empty: expected a new folder for the corrected copy`);
	if (!relative(dataset, into).startsWith(".."))
		throw new Error(`${shown(into)} is inside the data set: give another folder`);
	const incoming = `${into}.incoming`;
	rmSync(incoming, { recursive: true, force: true });
	const splits = SPLITS.filter((split) => statOrNull(splitFolder(dataset, split))?.isDirectory());
	let images = 0;
	for (const split of splits.length > 0 ? splits : [""]) {
		const index = withJournal(indexDirectory(split ? splitFolder(dataset, split) : dataset));
		for (const { path, label } of index.files) {
			// Below its class folder, or below that of the unlabelled images, which is beside the split.
			const inClass = relative(index.directory, path)
				.split(sep)
				.filter((part) => part !== "..")
				.slice(1);
			copyTo(path, join(incoming, split, index.classNames[label], ...inClass));
			images++;
		}
		const sentence = index.applied && sentenceOf(index.applied);
		if (sentence) console.log(printable(`${split ? `${split}, ` : ""}${sentence}`));
	}
	if (existsSync(into)) rmSync(into, { recursive: true });
	renameSync(incoming, into);
	console.log(`${counted(images, "image")} are in ${shown(into)}. Next: npm start -- --dataset ${shown(into)}`);
}

/** Copies a file; one of that name, which lay in another class, stays too. */
function copyTo(from: string, to: string): void {
	mkdirSync(dirname(to), { recursive: true });
	const extension = extname(to);
	const stem = to.slice(0, to.length - extension.length);
	let free = to;
	for (let i = 2; existsSync(free); i++) free = `${stem}-${i}${extension}`;
	copyFileSync(from, free, constants.COPYFILE_FICLONE);
}

async function undo(dataset: string, images: string[]): Promise<void> {
	const journal = openJournal(dataset);
	const isAll = images.length === 1 && images[0] === "all";
	const paths = isAll ? journal.decisions().map(({ path }) => join(dataset, path)) : images.map(fromHere);
	const unknown = paths.find((path) => !journal.decisionOf(path));
	if (unknown) throw new Error(`${shown(unknown)}: there is no decision on this image in ${shown(journal.file)}`);
	await journal.undoAll(paths);
	console.log(`${counted(paths.length, "decision")} taken back. The journal keeps all lines: ${shown(journal.file)}`);
}
